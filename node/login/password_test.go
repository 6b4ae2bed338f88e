package login

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPasswordHash(t *testing.T) {
	hash, err := hashPassword("correct horse", rand.Reader)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("got %q, %v", hash, err)
	}
	again, _ := hashPassword("correct horse", rand.Reader)
	if hash == again {
		t.Error("two hashes have the same salt")
	}
	for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false, "correct horse ": false} {
		if got, err := checkPassword(password, hash); err != nil || got != want {
			t.Errorf("password %q: got %v, %v, want %v", password, got, err, want)
		}
	}
}

func TestDamagedPasswordHash(t *testing.T) {
	hash, err := hashPassword("correct horse", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"nothing": "", "another kind": "$2b$12$" + strings.Repeat("a", 53), "cut": hash[:len(hash)-1], "longer": hash + "A",
		"dear":     strings.Replace(hash, "m=19456", "m=4000000000", 1),
		"long":     strings.Replace(hash, "t=2", "t=4000000000", 1),
		"no time":  strings.Replace(hash, "t=2", "t=0", 1),
		"no lane":  strings.Replace(hash, "p=1", "p=0", 1),
		"no salt":  strings.Replace(hash, "p=1$", "p=1$$", 1),
		"no bytes": hash[:len(hash)-43] + strings.Repeat("!", 43),
	} {
		if ok, err := checkPassword("correct horse", bad); ok || !errors.Is(err, errHash) {
			t.Errorf("%s: got %v, %v, want %v", what, ok, err, errHash)
		}
	}
}

// An unknown name costs what a known one costs.
func TestDummyHashIsWhole(t *testing.T) {
	if ok, err := checkPassword("correct horse", dummyHash); ok || err != nil {
		t.Errorf("got %v, %v, want an ordinary wrong password", ok, err)
	}
	if !strings.HasPrefix(dummyHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error("the dummy has another cost")
	}
}

// Twenty requests at once on two workers: two run at a time, the queue takes
// what it can serve in four seconds, the rest is sent away with a time.
func TestWorkersSendAwayWhomTheyCannotServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(2)
		w.average = time.Second
		began := time.Now()
		outcomes := make(chan error, 20)
		for range 20 {
			go func() { outcomes <- w.run(t.Context(), func() { time.Sleep(time.Second) }) }()
		}
		served := 0
		for range 20 {
			err := <-outcomes
			var d Denial
			switch {
			case err == nil:
				served++
			case !errors.As(err, &d) || !errors.Is(err, ErrBusy) || d.After < 4 || d.After > 6:
				t.Errorf("sent away with %v, want %v in about 5 s", err, ErrBusy)
			}
		}
		if served != 9 { // the ninth finds eight before it: four seconds
			t.Errorf("%d of 20 were served, want 9", served)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v, want 5 s: two at a time", took)
		}
	})
}

func TestWorkersGiveUpWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(1)
		go w.run(t.Context(), func() { time.Sleep(time.Minute) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.run(ctx, func() { t.Error("it ran") }); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want %v", err, ErrBusy)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.waiting != 0 {
			t.Errorf("%d still count as waiting", w.waiting)
		}
	})
}

func TestPenalties(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	rule := penaltyRule{free: 2, first: time.Second, limit: 8 * time.Second}
	p := newPenalties()
	for try, want := range []time.Duration{0, 0, 0, time.Second} {
		if got := p.charge(now, "a", rule); got != want {
			t.Errorf("try %d: wait %v, want %v", try+1, got, want)
		}
	}
	if got := p.charge(now, "b", rule); got != 0 {
		t.Errorf("someone else waits %v", got)
	}
	for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second} {
		if got := p.charge(now, "a", rule); got != want {
			t.Errorf("wait %v, want %v", got, want)
		}
		now = now.Add(want)
		if got := p.charge(now, "a", rule); got != 0 {
			t.Errorf("after %v: wait %v more", want, got)
		}
	}
	p.refund("a")
	p.forget("a")
	if got := p.charge(now, "a", rule); got != 0 {
		t.Errorf("after it was forgotten: wait %v", got)
	}
}

func TestPenaltiesAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPenalties()
	for i := range 3 * maxPenalties {
		p.charge(now, string(rune(i))+"x", sourceRule)
	}
	if len(p.byKey) > maxPenalties || p.order.Len() != len(p.byKey) {
		t.Errorf("%d are remembered (%d in order), at most %d", len(p.byKey), p.order.Len(), maxPenalties)
	}
}

func BenchmarkPasswordHash(b *testing.B) {
	for b.Loop() {
		checkPassword("correct horse", dummyHash)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/hash")
}
