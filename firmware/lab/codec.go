package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"peerphone/firmware/lab/quality"
	"peerphone/firmware/lab/wav"
	"peerphone/node/media/opus"
)

const (
	codecHz = 16000
	// codecLookAhead is by how much the sound of a packet is late: what is said at the
	// end of a file is heard only if so much of silence follows. In samples.
	codecLookAhead = 104
)

// codecCommand sends a file through the codec: it encodes, loses packets,
// decodes, and judges what is heard.
type codecCommand struct {
	Rate       int    `help:"Bit rate in bit/s. Default: ${default}." default:"16000" placeholder:"N"`
	Complexity int    `help:"0 to 10. Default: ${default}." default:"5" placeholder:"N"`
	Frame      int    `help:"Length of packets in ms: 10, 20, 40, 60, 80, 100 or 120. Default: ${default}." default:"20" placeholder:"MS"`
	Bandwidth  string `help:"narrow, medium or wide. Default: ${default}." enum:"narrow,medium,wide" default:"wide" placeholder:"NAME"`
	Loss       int    `help:"Loss in percent that the encoder expects." placeholder:"PERCENT"`
	Lossfile   string `help:"Packets that are lost: for each a line with 1, or 0 if it arrives. Those beyond the end arrive." placeholder:"FILE"`
	Fec        bool   `help:"Send speech twice, if a loss is expected and the rate allows."`
	Cbr        bool   `help:"Packets of one size."`
	Dtx        bool   `help:"Send almost nothing when nobody speaks."`
	Packets    string `help:"File to write the packets to, with the encoder's final range, as opus_demo does." placeholder:"FILE"`
	In         string `arg:"" help:"Sound: mono at 16 kHz, a WAV file or 16 bits, little endian, without a header."`
	Out        string `arg:"" help:"Sound to write: a WAV file if its name ends in .wav, else without a header."`
}

func (c codecCommand) Run() error { return c.run(os.Stdout) }

func (c codecCommand) run(w io.Writer) error {
	sound, err := readSound(c.In)
	if err != nil {
		return err
	}
	lost, err := readLosses(c.Lossfile)
	if err != nil {
		return err
	}
	packets, spent, err := c.encode(sound)
	if err != nil {
		return err
	}
	if err := writeOpus(c.Packets, packets); err != nil {
		return err
	}
	heard, spentBack, err := c.decode(packets, lost)
	if err != nil {
		return err
	}
	bytes, seconds := 0, float64(len(packets)*c.Frame)/1000
	for _, p := range packets {
		bytes += len(p.data)
	}
	fmt.Fprintf(w, "average bitrate: %.0f\n", float64(8*bytes)/seconds)
	fmt.Fprintf(w, "encoder: %.2f ms of CPU per second of sound\n", spent.Seconds()*1000/seconds)
	fmt.Fprintf(w, "decoder: %.2f ms of CPU per second of sound\n", spentBack.Seconds()*1000/seconds)
	fmt.Fprintf(w, "quality: %.2f of 4.64\n", quality.Score(sound, heard))
	return writeSound(c.Out, heard)
}

func (c codecCommand) config() opus.EncoderConfig {
	band := map[string]opus.Bandwidth{"narrow": opus.Narrow, "medium": opus.Medium, "wide": opus.Wide}
	return opus.EncoderConfig{
		Rate: codecHz, Bitrate: c.Rate, Complexity: c.Complexity, FrameMS: c.Frame, Bandwidth: band[c.Bandwidth],
		ExpectedLoss: c.Loss, FEC: c.Fec, CBR: c.Cbr, DTX: c.Dtx,
	}
}

// encode encodes all of sound, and silence behind it until all is heard.
func (c codecCommand) encode(sound []int16) (packets []opusPacket, spent time.Duration, err error) {
	if c.Frame == 0 {
		return nil, 0, errUsage{errors.New("packets of 0 ms")}
	}
	encoder, err := opus.NewEncoder(c.config())
	if err != nil {
		return nil, 0, errUsage{err}
	}
	size := c.Frame * codecHz / 1000
	for at := 0; at < len(sound)+codecLookAhead; at += size {
		frame := make([]int16, size)
		if at < len(sound) {
			copy(frame, sound[at:])
		}
		var data []byte
		spent += cpuTime(func() { data, err = encoder.Encode(nil, frame) })
		if err != nil {
			return nil, 0, fmt.Errorf("packet %d: %w", len(packets), err)
		}
		packets = append(packets, opusPacket{data, encoder.FinalRange()})
	}
	return packets, spent, nil
}

// decode decodes what arrives. What is lost is taken from the packet after it if
// that has it, else concealed.
func (c codecCommand) decode(packets []opusPacket, lost []bool) (heard []int16, spent time.Duration, err error) {
	decoder, err := opus.NewDecoder(codecHz)
	if err != nil {
		return nil, 0, err
	}
	size := c.Frame * codecHz / 1000
	arrives := func(i int) bool { return i < len(packets) && (i >= len(lost) || !lost[i]) }
	for i, p := range packets {
		frame := make([]int16, size)
		spent += cpuTime(func() {
			switch {
			case arrives(i):
				_, err = decoder.Decode(frame, p.data)
			case arrives(i + 1):
				err = decoder.DecodeFEC(frame, packets[i+1].data)
			default:
				decoder.Conceal(frame)
			}
		})
		if err != nil {
			return nil, 0, fmt.Errorf("packet %d: %w", i, err)
		}
		if got := decoder.FinalRange(); arrives(i) && got != p.finalRange {
			return nil, 0, fmt.Errorf("packet %d: final range %#x, the encoder's is %#x", i, got, p.finalRange)
		}
		heard = append(heard, frame...)
	}
	return heard, spent, nil
}

// cpuTime is how long a processor works on f.
func cpuTime(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime()
	f()
	return threadTime() - before
}

func threadTime() time.Duration {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// readSound reads a WAV file or plain samples, at 16 kHz.
func readSound(name string) ([]int16, error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	sound, err := wav.Parse(file)
	switch {
	case err == nil && sound.Rate == codecHz:
		return sound.PCM, nil
	case err == nil:
		return nil, errUsage{fmt.Errorf("%s has %d Hz, not %d", name, sound.Rate, codecHz)}
	case !errors.Is(err, wav.ErrNoWAV) && !errors.Is(err, wav.ErrSilent):
		return nil, errUsage{fmt.Errorf("%s %w", name, err)}
	}
	pcm := make([]int16, len(file)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(file[2*i:]))
	}
	return pcm, nil
}

func writeSound(name string, pcm []int16) error {
	var file []byte
	if strings.EqualFold(filepath.Ext(name), ".wav") {
		file = wav.AppendFile(nil, wav.Sound{Rate: codecHz, PCM: pcm})
	} else {
		for _, s := range pcm {
			file = binary.LittleEndian.AppendUint16(file, uint16(s))
		}
	}
	return os.WriteFile(name, file, 0o644)
}

// readLosses reads which packets are lost; no name: none.
func readLosses(name string) (lost []bool, err error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Fields(string(file)) {
		if line != "0" && line != "1" {
			return nil, errUsage{fmt.Errorf("%s: packet %d: %q is neither 0 nor 1", name, i, line)}
		}
		lost = append(lost, line == "1")
	}
	return lost, nil
}

// writeOpus writes packets as readOpus reads them; no name: nowhere.
func writeOpus(name string, packets []opusPacket) error {
	if name == "" {
		return nil
	}
	var file []byte
	for _, p := range packets {
		file = binary.BigEndian.AppendUint32(file, uint32(len(p.data)))
		file = binary.BigEndian.AppendUint32(file, p.finalRange)
		file = append(file, p.data...)
	}
	return os.WriteFile(name, file, 0o644)
}
