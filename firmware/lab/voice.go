package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"peerphone/firmware/lab/speech"
	"peerphone/firmware/lab/wav"
	"peerphone/node/media"
	"peerphone/node/media/jitter"
)

// voiceCommand lets two phones talk over a simulated link.
type voiceCommand struct {
	Bytes  float64       `help:"Bottleneck in bytes a second, IP and UDP headers included. 0: none. Default: ${default}." default:"0" placeholder:"N"`
	At     time.Duration `help:"When the bottleneck appears, from the start of the speech; before it is 10 s of talk, or what --warm says." placeholder:"TIME"`
	For    time.Duration `help:"How long it lasts. 0: to the end." placeholder:"TIME"`
	Queue  time.Duration `help:"What the bottleneck keeps waiting; beyond it drops. Default: ${default}." default:"1s" placeholder:"TIME"`
	Loss   float64       `help:"Packets lost besides, in percent." placeholder:"PERCENT"`
	Burst  float64       `help:"How many are lost in a row on average. Default: ${default}." default:"1" placeholder:"N"`
	Rtt    float64       `help:"Round trip in ms. Default: ${default}." default:"40" placeholder:"MS"`
	Jitter float64       `help:"What each packet takes more each way, on average, in ms." placeholder:"MS"`
	Extra  int           `help:"Bytes that each packet costs besides: a relay's." placeholder:"N"`
	Seed   uint64        `help:"Of chance. Default: ${default}." default:"1" placeholder:"N"`
	Ring   time.Duration `help:"How long it rings before they talk: long enough, and they know what their lines let through. Default: ${default}." default:"2s" placeholder:"TIME"`
	Warm   time.Duration `help:"How long they have talked when the speech begins. Default: ${default}." default:"10s" placeholder:"TIME"`
	Repeat int           `help:"Say the speech so many times. Default: ${default}." default:"1" placeholder:"N"`
	Plot   string        `help:"Draw the record of the call." placeholder:"SVG"`
	Record string        `help:"Write the record of the call, a second each." placeholder:"JSON"`
	In     string        `arg:"" help:"What is said: a WAV file, 16 bits, mono or stereo, 8 to 192 kHz." type:"existingfile"`
	Out    string        `arg:"" help:"WAV file to write: what was heard of it."`
}

func (c voiceCommand) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c voiceCommand) run(out, progress io.Writer) error {
	if err := c.check(); err != nil {
		return errUsage{err}
	}
	said, err := readInput(c.In)
	if err != nil {
		return errUsage{err}
	}
	if err := writable(c.Out, c.Plot, c.Record); err != nil {
		return err
	}
	call := c.talk(said, progress)
	result, heard := c.result(call, len(said)*c.Repeat)
	if err := os.WriteFile(c.Out, wav.AppendFile(nil, wav.Sound{Rate: jitter.Rate, PCM: heard}), 0o644); err != nil {
		return err
	}
	if err := c.save(call.ends[1].record); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// check refuses what no network does.
func (c voiceCommand) check() error {
	share := c.Loss / 100
	switch {
	case !(c.Bytes >= 0): // not a number neither
		return fmt.Errorf("--bytes %v: a bottleneck lets 0 bytes a second or more through", c.Bytes)
	case !(share >= 0 && share <= 1):
		return fmt.Errorf("--loss %v: want 0 to 100 percent", c.Loss)
	case !(c.Burst >= 1):
		return fmt.Errorf("--burst %v: a burst has a packet at least", c.Burst)
	case c.Burst > 1 && share < 1 && share > c.Burst/(c.Burst+1):
		return fmt.Errorf("--loss %v: with bursts of %v a packet between two of them is %.0f percent lost at most", c.Loss, c.Burst, 100*c.Burst/(c.Burst+1))
	case !(c.Rtt >= 0 && c.Jitter >= 0) || c.Queue < 0 || c.At < 0 || c.For < 0 || c.Ring < 0 || c.Warm < 0:
		return errors.New("times are 0 or more")
	case c.Extra < 0 || c.Extra > maxExtra:
		return fmt.Errorf("--extra %d: want 0 to %d bytes", c.Extra, maxExtra)
	case c.Repeat < 1:
		return fmt.Errorf("--repeat %d: the speech is said once at least", c.Repeat)
	}
	return nil
}

// maxExtra is more than any relay or tunnel adds to a packet.
const maxExtra = 500

// writable makes sure of the files before minutes of work are spent on them.
func writable(names ...string) error {
	for _, name := range names {
		if name == "" {
			continue
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// warm is how many samples are said before the speech.
func (c voiceCommand) warm() int { return int(c.Warm * jitter.Rate / time.Second) }

// talk makes the call.
func (c voiceCommand) talk(said []int16, progress io.Writer) *voiceCall {
	before := c.warm()
	all := make([]int16, before)
	for i := range all {
		all[len(all)-1-i] = said[len(said)-1-i%len(said)]
	}
	for range c.Repeat {
		all = append(all, said...)
	}
	speech := all[before:]
	all = append(all, make([]int16, 2*jitter.Rate)...)
	call := newVoiceCall([2][]int16{all, c.otherSpeech()}, [2]*voiceLink{c.link(1), c.link(2)})

	second := func() {
		call.note()
		c.tell(call, progress)
	}
	limit := func(rate float64) {
		for i := range call.ends {
			call.ends[i].out.rate = rate
		}
	}
	if c.At == 0 {
		limit(c.Bytes)
	}
	call.ring(c.Ring, c.Seed)
	call.run(c.Warm, second)
	for i := range call.ends {
		l := call.ends[i].out
		l.count = linkCount{}
	}
	if c.At > 0 {
		call.run(c.Warm+c.At, second)
		limit(c.Bytes)
	}
	if c.For > 0 {
		call.run(c.Warm+c.At+c.For, second)
		limit(0)
	}
	end := c.Warm + time.Duration(len(speech))*time.Second/jitter.Rate
	call.run(end, second)
	call.ends[0].out.counted = call.ends[0].out.count
	call.run(end+1500*time.Millisecond, second)
	return call
}

// otherSpeech is what the far end says meanwhile.
func (c voiceCommand) otherSpeech() []int16 {
	s, err := wav.Parse(speech.Workshop)
	if err != nil {
		return nil
	}
	return s.At(jitter.Rate).PCM
}

func (c voiceCommand) link(stream uint64) *voiceLink {
	ms := float64(time.Millisecond)
	return &voiceLink{
		queue: c.Queue, delay: time.Duration(c.Rtt / 2 * ms), jitter: time.Duration(c.Jitter * ms),
		loss: gilbert{share: c.Loss / 100, mean: c.Burst}, extra: c.Extra,
		r: rand.New(rand.NewPCG(c.Seed, stream)),
	}
}

// tell says how it goes, every ten seconds of the call.
func (c voiceCommand) tell(call *voiceCall, w io.Writer) {
	if s := int(call.now/time.Second) + 1; s%10 == 0 {
		now := call.ends[0].leg.Stats()
		fmt.Fprintf(w, "%4d s: %d bit/s in packets of %.0f ms, %d copies, %d bytes/s allowed\n", s, now.Bitrate, now.PacketMS, now.Copies, now.AllowedUp)
	}
}

// save writes what was asked for of the record.
func (c voiceCommand) save(history []media.Second) error {
	if c.Record != "" {
		file, err := json.MarshalIndent(history, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Record, append(file, '\n'), 0o644); err != nil {
			return err
		}
	}
	if c.Plot == "" {
		return nil
	}
	return os.WriteFile(c.Plot, recordPlot("A call over a simulated link", history).SVG(), 0o644)
}
