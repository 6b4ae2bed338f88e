package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTown: calls come about in a town of processes, also when half of the
// supernodes are dead. A busy machine spoils a call, but not in each of three
// towns.
func TestTown(t *testing.T) {
	t.Parallel() // it mostly waits
	for try := 1; ; try++ {
		wrong := smallTown(t)
		if wrong == nil {
			return
		}
		if try == 3 {
			t.Fatal(wrong)
		}
		t.Logf("town %d: %v", try, wrong)
	}
}

// smallTown has half of its supernodes killed, and says what is not as it must
// be.
func smallTown(t *testing.T) error {
	cmd := lab(t, "town", "--supernodes", "4", "--phones", "4", "--calls", "6", "--together", "2", "--kill", "0.5", "--talk", "1s", "--idle", "0s", "--json")
	var progress strings.Builder
	cmd.Stderr = &progress
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var r townResult
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if r.Tried != 6 || r.Killed != 2 || r.Before.Completed < 1 || r.Before.Direct+r.During.Direct+r.After.Direct < 3 || r.After.Tried != 3 {
		return fmt.Errorf("%s\n%s", out, progress.String())
	}
	if r.Completed < 5 {
		return fmt.Errorf("%d of %d calls completed\n%s\n%s", r.Completed, r.Tried, out, progress.String())
	}
	for _, u := range []townUse{r.Phone, r.Supernode} {
		if u.MemoryMB < 1 || u.MemoryMB > 100 || u.TotalKB < 1 || u.IdleKBH != -1 {
			return fmt.Errorf("a process uses %+v", u)
		}
	}
	return nil
}

func TestTownFlags(t *testing.T) {
	for _, flags := range [][]string{
		{"--supernodes", "0"}, {"--phones", "1"}, {"--phones", "4", "--together", "3"}, {"--kill", "1.1"}, {"--kill", "NaN"},
		{"--calls", "-1"}, {"--talk", "0s"}, {"--idle", "-1s"},
	} {
		code, printed := exitCode(t, lab(t, append([]string{"town"}, flags...)...))
		if code != exitUsage || !strings.Contains(printed, flags[len(flags)-2]) {
			t.Errorf("lab town %v: exit code %d: %s", flags, code, printed)
		}
	}
}

// TestTownCalls sorts calls by whether they ended before the kill, lasted when
// it happened, or began after it.
func TestTownCalls(t *testing.T) {
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	d := townDay{result: &townResult{}, killed: at(10), calls: []*townAttempt{
		{begun: at(1), ended: at(5), setup: 20 * time.Millisecond, direct: true},
		{begun: at(2), ended: at(6), setup: 10 * time.Millisecond},
		{begun: at(6), ended: at(12), setup: 30 * time.Millisecond},
		{begun: at(7), ended: at(12), problem: errors.New("nothing was heard")},
		{begun: at(11), ended: at(13), setup: 5 * time.Millisecond, direct: true},
	}}
	d.sum()
	r := d.result
	if r.Tried != 5 || r.Completed != 4 {
		t.Errorf("%d of %d", r.Completed, r.Tried)
	}
	if b := r.Before; b.Tried != 2 || b.Completed != 2 || b.Direct != 1 || b.P50 != 10 || b.P95 != 20 {
		t.Errorf("before: %+v", b)
	}
	if c := r.During; c.Tried != 2 || c.Completed != 1 || c.Failed["nothing was heard"] != 1 {
		t.Errorf("during: %+v", c)
	}
	if c := r.After; c.Tried != 1 || c.Direct != 1 || c.P50 != 5 {
		t.Errorf("after: %+v", c)
	}
}
