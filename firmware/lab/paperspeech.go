package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"peerphone/firmware/lab/judge"
	"peerphone/firmware/lab/quality"
	"peerphone/hal"
)

// paperSpeech is what is left of speech on a narrow line.
type paperSpeech struct {
	KBs        float64 `json:"kb_s"`     // of the line each way, IP headers counted
	RingsMS    float64 `json:"rings_ms"` // from the last key until the far phone rang
	UpKBs      float64 `json:"up_kb_s"`  // that the caller sent
	First      float64 `json:"first"`    // similarity in the first four seconds
	FirstScore float64 `json:"first_score"`
	Similarity float64 `json:"similarity"` // of what was heard with what was said later: 1 is the same
	Score      float64 `json:"score"`      // as PESQ would, 1 to 4.64
	Heard      float64 `json:"heard"`      // share of the seconds that were said
	DelayMS    float64 `json:"delay_ms"`   // mouth to ear, the worst
	Problem    string  `json:"problem,omitempty"`
}

func (s paperSpeech) String() string {
	if s.Problem != "" {
		return s.Problem
	}
	return fmt.Sprintf("%s: similarity %.2f, from the first word %.2f; score %.1f, %.1f; %.0f %% heard, up to %.0f ms late, %.1f kB/s sent",
		s.word(), s.Similarity, s.First, s.Score, s.FirstScore, 100*s.Heard, s.DelayMS, s.UpKBs)
}

// word tells a person what a similarity means. A call in wide band has 0.95, one
// in narrow band that everybody understands 0.5; noise has 0.1.
func (s paperSpeech) word() string {
	switch {
	case s.Heard < .5 || s.Similarity < .3:
		return "unintelligible"
	case s.Heard < .9 || s.Similarity < .5:
		return "hard to understand"
	case s.Similarity < .85:
		return "intelligible"
	}
	return "good"
}

const (
	// ringFor is how long it rings before somebody answers.
	ringFor = 2 * time.Second
	// firstWords are judged by themselves: a call that is too much for its line
	// begins with them.
	firstWords = 4 * time.Second
	// findRate is what a call is given to find its rate.
	findRate = 5 * time.Second
)

// narrow narrows the lines of both phones as it rings, or earlier, before the call,
// to each of the rates in kB/s, and judges what was heard from the first word on.
func (p *paperSetup) narrow(ctx context.Context, rates []float64, early bool, length time.Duration, s *steps) (list []paperSpeech, err error) {
	for n, rate := range rates {
		speech := paperSpeech{KBs: rate}
		if err := p.speakAt(ctx, &speech, n+1, early, length); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			speech.Problem = err.Error()
		}
		s.say(p.Name, "at %v kB/s %v", rate, speech)
		list = append(list, speech)
		if err := p.again(ctx); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// speakAt makes call n.
func (p *paperSetup) speakAt(ctx context.Context, r *paperSpeech, n int, early bool, length time.Duration) (err error) {
	line := int(r.KBs * 8000)
	defer func() { err = errors.Join(err, p.setRate(0)) }()
	if early {
		if err := p.setRate(line); err != nil {
			return err
		}
	}
	c, err := p.phones[0].call(ctx, p.phones[1])
	if err != nil {
		return err
	}
	if err := errors.Join(p.setRate(line), pause(ctx, ringFor), c.answer(ctx)); err != nil {
		return errors.Join(err, c.end(ctx))
	}
	first := hal.Now()
	err = pause(ctx, findRate)
	begun, from := time.Now(), hal.Now()
	if err == nil {
		err = c.talk(ctx, length)
	}
	to := hal.Now()
	r.RingsMS = round(ms(c.rang.Sub(c.dialled)), 0)
	r.UpKBs, _ = rates(c.from.capture.Packets(), begun, time.Now())
	if p.traces != "" {
		err = errors.Join(err, c.trace(p.traces, fmt.Sprintf("%s at %v bytes a second, call %d", p.Name, 1000*r.KBs, n)))
	}
	err = errors.Join(err, c.end(ctx))
	for _, phone := range p.phones {
		err = errors.Join(err, phone.stop()) // what it heard is on disk then
	}
	if err != nil {
		return err
	}
	return r.judge(p.phones, first, from, to)
}

func (p *paperSetup) setRate(bits int) error {
	return errors.Join(p.sites[0].SetRate(bits), p.sites[1].SetRate(bits))
}

// judge compares what the caller said with what the callee heard: in the first
// seconds, and from an instant on.
func (r *paperSpeech) judge(phones [2]*resident, first, from, to hal.Instant) error {
	said, err := readSaid(phones[0].folder)
	if err != nil {
		return err
	}
	heard, err := readHeard(phones[1].folder)
	if err != nil {
		return err
	}
	var v judge.Verdict
	v, r.FirstScore = hears(said.Between(first, first.Add(firstWords)), heard.Between(first, first.Add(firstWords+2*time.Second)))
	r.First = round(v.Similarity, 2)
	v, r.Score = hears(said.Between(from, to.Add(-settle)), heard.Between(from, to))
	r.Similarity = round(v.Similarity, 2)
	if v.Said > 0 {
		r.Heard = round(v.Heard/v.Said, 2)
	}
	for _, d := range v.Delays {
		r.DelayMS = max(r.DelayMS, round(ms(d.Delay), 0))
	}
	return nil
}

// hears judges what was heard of what was said, and how good that is.
func hears(said, heard judge.Track) (v judge.Verdict, score float64) {
	course := judge.Follow(said, heard)
	return judge.Compare(said, heard), round(quality.ScoreAt(said.PCM, heard.PCM, course.Later), 2)
}

// again starts both phones for the next call.
func (p *paperSetup) again(ctx context.Context) error {
	for _, phone := range p.phones {
		if err := phone.stop(); err != nil {
			return err
		}
		if err := phone.run(); err != nil {
			return err
		}
		if err := phone.open(ctx); err != nil {
			return err
		}
	}
	return nil
}

// band is a range of frequencies, in Hz.
type band struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// codecBand finds between which frequencies the codec loses at most 3 dB of a
// tone, at the rate of a call.
func codecBand() (b band, err error) {
	reference, err := gainAt(1000)
	if err != nil {
		return b, err
	}
	for _, hz := range bandTones() {
		gain, err := gainAt(hz)
		if err != nil {
			return b, err
		}
		if gain-reference < -3 {
			continue
		}
		if b.Low == 0 {
			b.Low = hz
		}
		b.High = hz
	}
	return b, nil
}

// bandTones lists the frequencies to try.
func bandTones() (list []float64) {
	for hz := 30.0; hz < 200; hz += 10 {
		list = append(list, hz)
	}
	for hz := 200.0; hz < 7000; hz *= 1.2 {
		list = append(list, hz)
	}
	for hz := 7000.0; hz < codecHz/2; hz += 100 {
		list = append(list, hz)
	}
	return list
}

// gainAt sends a second of a tone through the codec and returns what came out
// of it, in dB.
func gainAt(hz float64) (float64, error) {
	tone := make([]int16, codecHz)
	for i := range tone {
		tone[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/codecHz))
	}
	c := codecCommand{Rate: 24000, Complexity: 5, Frame: 20, Bandwidth: "wide"}
	packets, _, err := c.encode(tone)
	if err != nil {
		return 0, err
	}
	heard, _, err := c.decode(packets, nil)
	if err != nil {
		return 0, err
	}
	return decibels(level(heard[codecHz/4:codecHz], hz) / level(tone[codecHz/4:], hz)), nil
}

// level is the amplitude of one frequency in a sound.
func level(pcm []int16, hz float64) float64 {
	var re, im float64
	for i, s := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / codecHz)
		re, im = re+float64(s)*cos, im+float64(s)*sin
	}
	return math.Hypot(re, im) / float64(len(pcm))
}

func decibels(ratio float64) float64 { return 20 * math.Log10(max(ratio, 1e-6)) }
