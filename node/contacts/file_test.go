package contacts

import (
	"bytes"
	"strings"
	"testing"

	"peerphone/node/identity"
)

// TestBadFiles is the table of what is refused.
func TestBadFiles(t *testing.T) {
	key := strings.Repeat("01", 32)
	for name, text := range map[string]string{
		"empty":             "",
		"no object":         "[]",
		"no version":        `{"contacts":[]}`,
		"other version":     `{"version":2,"contacts":[]}`,
		"unknown member":    `{"version":1,"contacts":[],"x":1}`,
		"unknown in inner":  `{"version":1,"contacts":[{"number":"1001","x":1}]}`,
		"trailing object":   `{"version":1,"contacts":[]}{}`,
		"trailing garbage":  `{"version":1,"contacts":[]} x`,
		"cut":               `{"version":1,"contacts":[{"number":"1001"`,
		"bad number":        `{"version":1,"contacts":[{"number":"12"}]}`,
		"no number":         `{"version":1,"contacts":[{"name":"kitchen"}]}`,
		"capital name":      `{"version":1,"contacts":[{"number":"1001","name":"Kitchen"}]}`,
		"short key":         `{"version":1,"contacts":[{"number":"1001","account":"00"}]}`,
		"number twice":      `{"version":1,"contacts":[{"number":"1001"},{"number":"1001"}]}`,
		"key twice":         `{"version":1,"contacts":[{"number":"1001","account":"` + key + `"},{"number":"1002","account":"` + key + `"}]}`,
		"control character": `{"version":1,"contacts":[{"number":"1001","display":"\u0007"}]}`,
		"too large":         `{"version":1,"contacts":[` + strings.Repeat(" ", MaxFile) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load([]byte(text))
			wantError(t, err, ErrFile)
		})
	}
	_, err := Load([]byte(`{"version":1,"contacts":[{"number":"12"}]}`))
	wantError(t, err, identity.ErrBadNumber)
	_, err = LoadLog([]byte(`{"version":1,"calls":[{"direction":"sideways","number":"1001","at":"2026-01-02T12:00:00Z"}]}`))
	wantError(t, err, ErrFile)
}

// TestGoldenFile holds the form on disk.
func TestGoldenFile(t *testing.T) {
	const want = `{
  "version": 1,
  "contacts": [
    {
      "name": "workshop",
      "number": "1002"
    }
  ]
}
`
	if got := string(Append([]byte{}, []Contact{workshop})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string(Append(nil, nil)); !strings.Contains(got, `"contacts": []`) {
		t.Errorf("an empty list is %s", got)
	}
}

// FuzzLoad: what is read comes back, and makes a book.
func FuzzLoad(f *testing.F) {
	f.Add(Append(nil, []Contact{kitchen, workshop}))
	f.Add([]byte(`{"version":1,"contacts":null}`))
	f.Add([]byte(`{"version":1,"contacts":[{"number":"1001","account":"00"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := Load(b)
		if err != nil {
			return
		}
		if _, err := New(list); err != nil {
			t.Fatalf("New refuses what Load took: %v", err)
		}
		once := Append(nil, list)
		again, err := Load(once)
		if err != nil || !bytes.Equal(Append(nil, again), once) {
			t.Fatalf("%q does not come back: %v", once, err)
		}
	})
}

// FuzzLoadLog does the same for the log of calls.
func FuzzLoadLog(f *testing.F) {
	f.Add(AppendLog(nil, fullLog()[:2]))
	f.Add([]byte(`{"version":1,"calls":[{"direction":"missed","number":"","at":"0001-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := LoadLog(b)
		if err != nil {
			return
		}
		once := AppendLog(nil, list)
		again, err := LoadLog(once)
		if err != nil || !bytes.Equal(AppendLog(nil, again), once) {
			t.Fatalf("%q does not come back: %v", once, err)
		}
	})
}
