package sim

import (
	"slices"
	"testing"
	"time"
)

// After a storm everybody has homes again, and nobody has asked the login
// server.
func TestStorms(t *testing.T) {
	for _, c := range []struct {
		storm              Storm
		supernodes, phones int
		within             float64 // seconds
	}{
		{Restart, 12, 36, 60},
		{Cascade, 8, 100, 300},
	} {
		t.Run(c.storm.String(), func(t *testing.T) {
			out := try(t, Trial{
				Config: Config{Seed: *seed, Supernodes: c.supernodes, Phones: c.phones, Loss: 0.01}, Storm: c.storm, Lookups: 200,
			})
			if out.Found != 200 || out.Wrong > 0 {
				t.Errorf("seed %d: %d of 200 found, %d denied", *seed, out.Found, out.Wrong)
			}
			if out.Reattached == 0 || out.Back == 0 || out.Back > c.within || out.LoginAsks > 0 {
				t.Errorf("seed %d: all have homes again after %.1f s, want %.0f s; the login server was asked %d times",
					*seed, out.Back, c.within, out.LoginAsks)
			}
			if out.Load > 1 || out.Rush > 3 {
				t.Errorf("seed %d: a supernode has %.2f of the guests that it takes, and admits %.2f of what it may in a second",
					*seed, out.Load, out.Rush)
			}
		})
	}
}

// One in five supernodes harms, each in its own way: no forgery is believed, and
// most are found; who has published by a home that withholds has seen to it.
func TestMalicious(t *testing.T) {
	out := try(t, Trial{
		Config: Config{Seed: *seed, Supernodes: 30, Phones: 60, Loss: 0.01}, Malicious: 0.2, Lookups: 300, Idle: 2 * time.Minute,
	})
	if out.Forged > 0 || out.Found < 285 {
		t.Errorf("seed %d: %d of 300 found, %d denied, %d left open, %d forgeries believed",
			*seed, out.Found, out.Wrong, out.CannotTell, out.Forged)
	}
}

// Sessions have the median that was measured, and of those under way at some
// moment most last longer.
func TestSessions(t *testing.T) {
	w, err := New(Config{Seed: *seed, Supernodes: 1})
	if err != nil {
		t.Fatal(err)
	}
	fresh, under := make([]time.Duration, 20000), make([]time.Duration, 20000)
	for i := range fresh {
		fresh[i], under[i] = w.session(), w.rest()
	}
	slices.Sort(fresh)
	slices.Sort(under)
	if m := fresh[len(fresh)/2]; m < 5*time.Hour || m > 6*time.Hour {
		t.Errorf("half of the sessions are shorter than %v, want 5.5 h", m)
	}
	// Of Weibull's with shape 1/2 the median of what is left is 4.2 times the scale.
	if m := under[len(under)/2]; m < 25*time.Hour || m > 40*time.Hour {
		t.Errorf("half of the sessions under way last less than %v on", m)
	}
}

// Supernodes come and go, and nobody is denied who is there.
func TestChurn(t *testing.T) {
	out := try(t, Trial{
		Config: Config{Seed: *seed, Supernodes: 30, Phones: 30, Loss: 0.01}, Churn: 30 * time.Minute, Lookups: 300,
	})
	if out.Wrong > 0 || out.Found < 299 {
		t.Errorf("seed %d: %d of 300 found, %d denied, %d left open", *seed, out.Found, out.Wrong, out.CannotTell)
	}
}

func TestModes(t *testing.T) {
	for _, m := range []Mode{Napster, Gnutella} {
		t.Run(m.String(), func(t *testing.T) {
			out := try(t, Trial{Config: Config{Seed: *seed, Supernodes: 1, Phones: 40, Loss: 0.01, Mode: m}, Lookups: 100})
			if out.Found != 100 || out.Phones != 40 || out.Reachable != 1 {
				t.Errorf("seed %d: %d of 100 found, %d denied, %d left open, %.2f reachable", *seed, out.Found, out.Wrong, out.CannotTell, out.Reachable)
			}
		})
	}
}

// The same seed gives the same trace, whatever happens in it; the order of maps,
// which differs in each run, decides nothing.
func TestTrialsAreRepeatable(t *testing.T) {
	size := Config{Seed: *seed, Supernodes: 17, Phones: 20, Loss: 0.02}
	if *long {
		size.Supernodes, size.Phones = 200, 800
	}
	for name, c := range map[string]Trial{
		"kill":    {Config: size, Kill: 0.5, Malicious: 0.2, Lookups: 100},
		"restart": {Config: size, Storm: Restart, Lookups: 50},
		"churn":   {Config: size, Churn: 5 * time.Minute, Lookups: 50},
		"routes":  {Config: kademlia(size), Kill: 0.3, Malicious: 0.2, Lookups: 50},
	} {
		t.Run(name, func(t *testing.T) {
			first, again := try(t, c), try(t, c)
			if first.TraceHash != again.TraceHash || first.Events != again.Events {
				t.Errorf("seed %d: %s after %d events, then %s after %d", *seed, first.TraceHash, first.Events, again.TraceHash, again.Events)
			}
		})
	}
}

func kademlia(c Config) Config {
	c.Mode = Kademlia
	return c
}

// A trial that makes no sense is refused with a reason.
func TestCheck(t *testing.T) {
	good := Trial{Config: Config{Supernodes: 2, Phones: 2}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Trial){
		"no supernode":    func(c *Trial) { c.Supernodes = 0 },
		"one phone":       func(c *Trial) { c.Phones = 1 },
		"too many":        func(c *Trial) { c.Phones = maxNodes },
		"kill all":        func(c *Trial) { c.Kill = 1 },
		"kill less":       func(c *Trial) { c.Kill = -0.1 },
		"malicious":       func(c *Trial) { c.Malicious = 1.5 },
		"loss":            func(c *Trial) { c.Loss = 1 },
		"negative time":   func(c *Trial) { c.Idle = -time.Second },
		"lookups":         func(c *Trial) { c.Lookups = -1 },
		"churn for ever":  func(c *Trial) { c.Churn = 1000 * time.Hour },
		"churn and storm": func(c *Trial) { c.Churn, c.Storm = time.Hour, Half },
		"napster kill":    func(c *Trial) { c.Mode, c.Kill = Napster, 0.5 },
		"gnutella storm":  func(c *Trial) { c.Mode, c.Storm = Gnutella, Restart },
	} {
		c := good
		spoil(&c)
		if c.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Words that are none are refused.
func TestParseWords(t *testing.T) {
	for _, m := range []Mode{KaZaA, Napster, Gnutella, Kademlia} {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
	for _, s := range []Storm{Restart, Half, Cascade} {
		if got, err := ParseStorm(s.String()); got != s || err != nil {
			t.Errorf("%v: %v, %v", s, got, err)
		}
	}
	if _, err := ParseMode("skype"); err == nil {
		t.Error("skype is a mode")
	}
	if _, err := ParseStorm("calm"); err == nil {
		t.Error("calm is a storm")
	}
}
