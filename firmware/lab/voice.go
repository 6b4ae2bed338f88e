package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"peerphone/firmware/lab/quality"
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
	Warm   time.Duration `help:"How long they have talked when the speech begins. Default: ${default}." default:"10s" placeholder:"TIME"`
	Repeat int           `help:"Say the speech so many times. Default: ${default}." default:"1" placeholder:"N"`
	Plot   string        `help:"Draw the record of the call." placeholder:"SVG"`
	Record string        `help:"Write the record of the call, a second each." placeholder:"JSON"`
	In     string        `arg:"" help:"What is said: a WAV file." type:"existingfile"`
	Out    string        `arg:"" help:"WAV file to write: what was heard of it."`
}

// voiceResult is what came of it. Packets and bytes are those sent from when
// the speech began.
type voiceResult struct {
	Sent      int     `json:"sent"`        // packets
	Arrived   int     `json:"arrived"`     // of them
	Dropped   int     `json:"dropped"`     // at the bottleneck
	Lost      int     `json:"lost"`        // behind it
	BytesPerS float64 `json:"bytes_per_s"` // with all headers
	MostPerS  int     `json:"most_bytes_per_s"`
	DelayMS   float64 `json:"delay_ms"`  // from mouth to ear, of what was heard
	Concealed float64 `json:"concealed"` // share of the time that was made up
	Stretched float64 `json:"stretched"` // share added or left out
	Restored  int     `json:"restored"`  // units of 10 ms that came as a copy only, in all the call
	Score     float64 `json:"score"`     // as PESQ would, 1 to 4.64
	R         float64 `json:"r"`         // of the E-model, mean over the seconds
	Bitrate   int     `json:"bitrate"`   // at the end
	PacketMS  float64 `json:"packet_ms"`
	Copies    int     `json:"copies"`
	LossUp    float64 `json:"loss_up"` // as reported
	RTTMS     float64 `json:"rtt_ms"`
}

func (c voiceCommand) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c voiceCommand) run(out, progress io.Writer) error {
	if c.Loss < 0 || c.Loss > 100 || c.Burst < 1 || c.Bytes < 0 || c.Repeat < 1 {
		return errUsage{errors.New("loss is in percent, a burst has a packet at least")}
	}
	said, err := voiceSound(c.In)
	if err != nil {
		return err
	}
	call, heard := c.talk(said, progress)
	if err := os.WriteFile(c.Out, wav.AppendFile(nil, wav.Sound{Rate: jitter.Rate, PCM: heard}), 0o644); err != nil {
		return err
	}
	history := call.ends[1].leg.History()
	if err := c.save(history); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(c.result(call, said, heard))
}

// voiceSound reads a WAV file at the rate of the engine.
func voiceSound(name string) ([]int16, error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, err := wav.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s.At(jitter.Rate).PCM, nil
}

// talk makes the call and returns what was heard of the speech.
func (c voiceCommand) talk(said []int16, progress io.Writer) (*voiceCall, []int16) {
	before := int(c.Warm * jitter.Rate / time.Second)
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

	second := func() { c.tell(call, progress) }
	limit := func(rate float64) {
		for i := range call.ends {
			call.ends[i].out.rate = rate
		}
	}
	if c.At == 0 {
		limit(c.Bytes)
	}
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
	return call, call.heardOf(before, len(speech))
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

// result sums up.
func (c voiceCommand) result(call *voiceCall, said, heard []int16) voiceResult {
	whole := said
	for range c.Repeat - 1 {
		whole = append(whole[:len(whole):len(whole)], said...)
	}
	l := call.ends[0].out.counted
	up := call.ends[0].leg.Stats()
	seconds := float64(len(whole)) / jitter.Rate
	r := voiceResult{
		Sent: l.sent, Arrived: l.sent - l.dropped - l.lost, Dropped: l.dropped, Lost: l.lost,
		BytesPerS: round(float64(l.bytes)/seconds, 1), Bitrate: up.Bitrate, PacketMS: up.PacketMS, Copies: up.Copies,
		LossUp: round(up.LossUp, 3), RTTMS: round(up.RTTMS, 1), Restored: int(call.ends[1].leg.Stats().Restored),
	}
	n := 0.
	for _, s := range call.ends[1].leg.History() {
		if s.At < c.Warm.Seconds()+.5 || s.At > c.Warm.Seconds()+seconds+.5 {
			continue
		}
		n++
		r.DelayMS += s.MouthMS
		r.R += s.Score
		r.Concealed += float64(s.Concealed) / 100
		r.Stretched += float64(s.Stretched) / jitter.Rate
	}
	n = max(n, 1)
	for _, s := range call.ends[0].leg.History() {
		r.MostPerS = max(r.MostPerS, int(s.BytesUp))
	}
	r.R, r.Concealed, r.Stretched = round(r.R/n, 1), round(r.Concealed/n, 4), round(r.Stretched/n, 4)
	r.Score = round(quality.Score(whole, followed(whole, heard)), 2)
	r.DelayMS = round(r.DelayMS/n, 1)
	return r
}
