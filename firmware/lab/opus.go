package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"peerphone/node/media"
	"peerphone/node/media/opus"
)

// opusdecCommand decodes a file of packets as the codec's reference program
// writes them: each with its length and the encoder's final range, four bytes
// of either, the most significant first.
type opusdecCommand struct {
	Hz  int    `help:"Sample rate to decode to: 8000, 12000, 16000, 24000 or 48000. Default: ${default}." default:"16000" placeholder:"N"`
	In  string `arg:"" help:"Packets, as opus_demo writes them."`
	Out string `arg:"" help:"Sound to write: mono, 16 bits, little endian, without a header."`
}

// opusinfoCommand says what is in such a file.
type opusinfoCommand struct {
	In string `arg:"" help:"Packets, as opus_demo writes them."`
}

// errPackets is a file that ends within a packet.
var errPackets = errors.New("no packets as opus_demo writes them")

// opusPacket is one packet of such a file.
type opusPacket struct {
	data       []byte
	finalRange uint32
}

func readOpus(name string) ([]opusPacket, error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(file) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	var packets []opusPacket
	for len(file) > 0 {
		if len(file) < 8 || uint64(binary.BigEndian.Uint32(file)) > uint64(len(file)-8) {
			return nil, fmt.Errorf("%s: %w", name, errPackets)
		}
		n := binary.BigEndian.Uint32(file)
		packets = append(packets, opusPacket{file[8:][:n], binary.BigEndian.Uint32(file[4:])})
		file = file[8+n:]
	}
	return packets, nil
}

// Run decodes all that a phone hears. The final range is checked where our own
// codec reads a packet to its end; of CELT, hybrid and stereo, and of the CELT
// frame at a joint, which others decode, only that the sound is as long as the
// packet says.
func (c opusdecCommand) Run() error {
	packets, err := readOpus(c.In)
	if err != nil {
		return err
	}
	listener, err := media.NewListener(c.Hz)
	if err != nil {
		return errUsage{err}
	}
	sound := make([]int16, int(opus.MaxDuration/time.Millisecond)*c.Hz/1000)
	var raw []byte
	for i, p := range packets {
		n, err := listener.Decode(sound, p.data)
		if err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
		if got, known := listener.FinalRange(); known && got != p.finalRange {
			return fmt.Errorf("packet %d: final range %#x, the encoder's is %#x", i, got, p.finalRange)
		}
		for _, s := range sound[:n] {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(s))
		}
	}
	return os.WriteFile(c.Out, raw, 0o644)
}

func (c opusinfoCommand) Run() error { return c.run(os.Stdout) }

func (c opusinfoCommand) run(w io.Writer) error {
	packets, err := readOpus(c.In)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "packet mode   band      frames       bytes   kb/s")
	bytes, total := 0, time.Duration(0)
	for i, p := range packets {
		info, err := opus.Parse(p.data)
		if err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
		bytes, total = bytes+len(p.data), total+info.Duration()
		fmt.Fprintf(w, "%6d %-6s %-9s %2d x %5.1f ms %5d %6.1f%s\n", i, info.Mode, info.Bandwidth, info.Frames,
			info.FrameSize.Seconds()*1000, len(p.data), kilobits(len(p.data), info.Duration()), remarks(info))
	}
	_, err = fmt.Fprintf(w, "%d packets, %.2f s, %d bytes, %.1f kb/s\n", len(packets), total.Seconds(), bytes, kilobits(bytes, total))
	return err
}

func kilobits(bytes int, d time.Duration) float64 { return float64(8*bytes) / 1000 / d.Seconds() }

func remarks(p opus.Packet) string {
	text := ""
	if p.Stereo {
		text += " stereo"
	}
	if p.Redundant {
		text += " redundant"
	}
	return text
}
