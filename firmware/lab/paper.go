package main

import (
	"context"
	"errors"
	"os"
	"time"

	"peerphone/firmware/lab/natlab"
)

// paperCommand repeats the experiments of "An Analysis of the Skype
// Peer-to-Peer Internet Telephony Protocol" (Baset and Schulzrinne, 2004) with
// our telephones, and prints its figures beside ours.
//
// paperphone.go measures one phone's start, papercall.go a call, paperspeech.go
// what is left of speech on a narrow line, papertable.go prints.
type paperCommand struct {
	lifetime
	Short bool          `help:"Logins and one call in each set-up, no waiting: half a minute."`
	Lines bool          `help:"Speech on narrow lines only."`
	Rate  []float64     `help:"Rate of a narrow line in kB/s, for a call each. Default: ${default}." default:"16,5,2,1.5" placeholder:"KB"`
	Early bool          `help:"Narrow the lines before the number is dialled, not as it rings: the call has to come about there, too."`
	RTT   time.Duration `help:"Round trip between any two hosts. Default: ${default}." default:"100ms"`
	Idle  time.Duration `help:"How long idle phones are watched. Default: ${default}." default:"125s"`
	Talk  time.Duration `help:"Length of each call. Default: ${default}." default:"10s"`
	Trace bool          `help:"Write what both interfaces saw of each call, packet by packet, into the folder calls."`
	JSON  bool          `help:"Print the results as JSON, and the progress on the standard error."`
	Dir   string        `help:"Folder for what each process writes. Default: ${default}." default:"out/paper" placeholder:"DIR"`
}

// Help is shown by lab paper --help.
func (paperCommand) Help() string {
	return `The three set-ups of the paper: both phones on public addresses; the caller behind a
port-restricted NAT; both behind a port-restricted NAT and a firewall that lets no UDP through.

Bytes and packets are counted in captures at the phones' interfaces, IP headers included and
Ethernet's not, both ways together unless it says otherwise. Times of a login are by the phone's
own clock, from its first packet. A later login has certificates and host cache from the first;
"flushed" is one whose host cache was deleted. Needs root, nftables, iproute2, conntrack: make
lab-deps.`
}

func (p paperCommand) Run() error {
	if p.RTT < 0 || p.RTT > 2*time.Second || p.Idle < 0 || p.Idle > time.Hour || p.Talk < 3*time.Second || p.Talk > time.Minute {
		return errUsage{errors.New("want --rtt 0 to 2s, --idle 0 to 1h, --talk 3s to 1m")}
	}
	ctx, stop := p.life()
	defer stop()
	for _, rate := range p.Rate {
		if rate < .5 || rate > 1e4 {
			return errUsage{errors.New("want --rate .5 to 10000")}
		}
	}
	out := os.Stdout
	if p.JSON {
		out = os.Stderr
	}
	r, err := p.measure(ctx, newSteps(out))
	if err != nil {
		return err
	}
	return r.print(os.Stdout, p.JSON)
}

// paperResult is all that was measured.
type paperResult struct {
	RTTMS  float64       `json:"rtt_ms"`
	Setups []*paperSetup `json:"setups"`
	Return paperReturn   `json:"udp_returns"` // in the third set-up
	Band   band          `json:"codec_hz"`
	Speech []paperSpeech `json:"speech"` // in the first set-up
}

// paperSetup is one of the three set-ups and what was measured in it.
type paperSetup struct {
	Name    string     `json:"name"`
	First   paperStart `json:"first_login"` // the worse of both phones
	Later   paperStart `json:"later_login"`
	Flushed paperStart `json:"flushed_login"`
	NAT     []string   `json:"nat"` // as the caller and the callee found it
	Call    paperCall  `json:"call"`
	Hold    paperHold  `json:"hold"`
	Idle    paperIdle  `json:"idle"`

	kinds  [2]natlab.Kind
	sites  [2]*natlab.Site
	phones [2]*resident
	traces folder // of each call; "": none
}

// paperSetups are the paper's.
func paperSetups() []*paperSetup {
	return []*paperSetup{
		{Name: "both public", kinds: [2]natlab.Kind{natlab.NoNAT, natlab.NoNAT}},
		{Name: "caller behind NAT", kinds: [2]natlab.Kind{natlab.PortRestricted, natlab.NoNAT}},
		{Name: "both NAT, no UDP", kinds: [2]natlab.Kind{natlab.UDPBlocked, natlab.UDPBlocked}},
	}
}

// measure builds the town and makes all experiments.
func (p paperCommand) measure(ctx context.Context, s *steps) (r *paperResult, err error) {
	t, err := openTown(ctx, townPlan{Dir: p.Dir, Supernodes: 4, Delay: p.RTT / 4}, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	r = &paperResult{RTTMS: ms(p.RTT), Setups: paperSetups()}
	if p.Lines {
		r.Setups = r.Setups[:1]
	}
	if p.Trace {
		for _, setup := range r.Setups {
			setup.traces = folder(folder(p.Dir).path("calls"))
		}
	}
	for i, setup := range r.Setups {
		if err := setup.settle(t, string(rune('1'+i)), p.RTT/4); err != nil {
			return nil, err
		}
	}
	if p.Lines {
		first := r.Setups[0]
		if err := first.again(ctx); err != nil {
			return nil, err
		}
		r.Speech, err = first.narrow(ctx, p.Rate, p.Early, p.Talk, s)
		return r, err
	}
	for _, setup := range r.Setups {
		if err := setup.starts(ctx, s); err != nil {
			return nil, err
		}
		if setup.Call, err = setup.call(ctx, setup.Name, p.Talk); err != nil {
			return nil, err
		}
		s.say(setup.Name, "%v", setup.Call)
		if p.Short {
			continue
		}
		if setup.Hold, err = measureHold(ctx, setup.phones); err != nil {
			return nil, err
		}
		s.say(setup.Name, "%v", setup.Hold)
	}
	if !p.Short {
		if err := r.idle(ctx, p.Idle, s); err != nil {
			return nil, err
		}
	}
	shut := r.Setups[2]
	if r.Return, err = shut.returns(ctx, p.Talk); err != nil {
		return nil, err
	}
	s.say(shut.Name, "the firewall lets UDP through: %v", r.Return)
	if p.Short {
		return r, nil
	}
	if r.Band, err = codecBand(); err != nil {
		return nil, err
	}
	r.Speech, err = r.Setups[0].narrow(ctx, p.Rate, p.Early, p.Talk, s)
	return r, err
}

// settle makes the two sites of a set-up and a phone at each.
func (p *paperSetup) settle(t *town, number string, delay time.Duration) error {
	for i, name := range []string{"caller" + number, "callee" + number} {
		site, err := t.lab.Site(name, p.kinds[i])
		if err != nil {
			return err
		}
		if err := site.SetDelay(delay, 0); err != nil {
			return err
		}
		host, err := site.Host(name)
		if err != nil {
			return err
		}
		p.sites[i], p.phones[i] = site, t.settle(name, host)
	}
	return nil
}
