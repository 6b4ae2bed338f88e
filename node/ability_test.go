package node

import "testing"

func TestAvailableMemory(t *testing.T) {
	for text, want := range map[string]uint64{
		"MemTotal:   8 kB\nMemAvailable:     1024 kB\nBuffers: 3 kB\n": 1 << 20,
		"MemTotal: 8 kB\n": 0, "": 0, "MemAvailable: many kB\n": 0, "MemAvailable: 7 MB\n": 0, "MemAvailable:": 0,
		"MemAvailable: -5 kB": 0, "MemAvailable: 99999999999999999999999 kB": 0,
	} {
		got, ok := available([]byte(text))
		if got != want && ok || ok != (want > 0) {
			t.Errorf("%q: got %d, %v, want %d", text, got, ok, want)
		}
	}
}
