// A few lines over Debian's libopus (package libopus-dev), for the tests:
//
//	libopus encode BANDWIDTH MS BITRATE VBR FEC DTX [BANDWIDTH2] <sound >packets
//	libopus decode HZ <packets >sound
//
// Sound is mono, 16 bits of this machine, 16000 Hz where it is encoded. Packets
// are preceded by their length and the encoder's final range, four bytes of
// either, the most significant first; a decoder with another final range ends
// the program with 3. Every packet is SILK. With BANDWIDTH2 the bandwidth changes
// every 25 packets.
#include <opus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORCE_MODE = 11002, SILK = 1000 };

static void put(unsigned v) {
	for (int s = 24; s >= 0; s -= 8)
		putchar(v >> s & 255);
}

static int get(unsigned *v) {
	*v = 0;
	for (int i = 0; i < 4; i++) {
		int c = getchar();
		if (c < 0)
			return 0;
		*v = *v << 8 | c;
	}
	return 1;
}

static int encode(char **a) {
	short pcm[1920];
	unsigned char packet[3000];
	int err, n = 16 * atoi(a[1]);
	OpusEncoder *e = opus_encoder_create(16000, 1, OPUS_APPLICATION_VOIP, &err);
	opus_encoder_ctl(e, FORCE_MODE, SILK);
	opus_encoder_ctl(e, OPUS_SET_BITRATE(atoi(a[2])));
	opus_encoder_ctl(e, OPUS_SET_VBR(atoi(a[3])));
	opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(atoi(a[4])));
	opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(atoi(a[4]) * 20));
	opus_encoder_ctl(e, OPUS_SET_DTX(atoi(a[5])));
	for (int i = 0; fread(pcm, 2, n, stdin) == (size_t)n; i++) {
		opus_uint32 range;
		opus_encoder_ctl(e, OPUS_SET_BANDWIDTH(atoi(a[a[6] && i / 25 % 2 ? 6 : 0])));
		int size = opus_encode(e, pcm, n, packet, sizeof packet);
		if (size < 0)
			return 1;
		opus_encoder_ctl(e, OPUS_GET_FINAL_RANGE(&range));
		put(size);
		put(range);
		fwrite(packet, 1, size, stdout);
	}
	return 0;
}

static int decode(char **a) {
	static short pcm[5760];
	unsigned char packet[3000];
	unsigned size, range;
	int err;
	OpusDecoder *d = opus_decoder_create(atoi(a[0]), 1, &err);
	while (get(&size) && get(&range) && size <= sizeof packet && fread(packet, 1, size, stdin) == size) {
		int n = opus_decode(d, packet, size, pcm, 5760, 0);
		if (n < 0)
			return 1;
		opus_uint32 got;
		opus_decoder_ctl(d, OPUS_GET_FINAL_RANGE(&got));
		if (got != range)
			return 3;
		fwrite(pcm, 2, n, stdout);
	}
	return 0;
}

int main(int n, char **a) {
	if (n >= 8 && !strcmp(a[1], "encode"))
		return encode(a + 2);
	if (n == 3 && !strcmp(a[1], "decode"))
		return decode(a + 2);
	return 2;
}
