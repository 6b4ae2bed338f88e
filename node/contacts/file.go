package contacts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The files of contacts and of calls are JSON, one object each:
//
//	{"version": 1, "contacts": [Contact, ...]}
//	{"version": 1, "calls": [Entry, ...]}
//
// Unknown members, another version, and anything behind the object are refused;
// a newer form has another version.
const version = 1

// MaxFile is the largest file that is read, in bytes. A full list of contacts
// takes about 160 kB, a full log 220 kB.
const MaxFile = 512 << 10

// ErrFile is wrapped by every error of Load and LoadLog.
var ErrFile = errors.New("contacts: the file cannot be read")

type contactsFile struct {
	Version  int       `json:"version"`
	Contacts []Contact `json:"contacts"`
}

type logFile struct {
	Version int     `json:"version"`
	Calls   []Entry `json:"calls"`
}

// Append appends the file of list.
func Append(dst []byte, list []Contact) []byte {
	if list == nil {
		list = []Contact{}
	}
	return appendJSON(dst, contactsFile{version, list})
}

// Load reads what Append wrote and checks it as New does.
func Load(b []byte) ([]Contact, error) {
	var f contactsFile
	if err := loadJSON(b, &f, &f.Version); err != nil {
		return nil, err
	}
	if err := checkList(f.Contacts); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	return f.Contacts, nil
}

// AppendLog appends the file of list.
func AppendLog(dst []byte, list []Entry) []byte {
	if list == nil {
		list = []Entry{}
	}
	return appendJSON(dst, logFile{version, list})
}

// LoadLog reads what AppendLog wrote.
func LoadLog(b []byte) ([]Entry, error) {
	var f logFile
	if err := loadJSON(b, &f, &f.Version); err != nil {
		return nil, err
	}
	if len(f.Calls) > MaxEntries {
		return nil, fmt.Errorf("%w: %d calls, at most %d", ErrFile, len(f.Calls), MaxEntries)
	}
	for _, e := range f.Calls {
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFile, err)
		}
	}
	return f.Calls, nil
}

func appendJSON(dst []byte, v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("contacts: " + err.Error()) // every field has been checked
	}
	return append(append(dst, b...), '\n')
}

func loadJSON(b []byte, v any, got *int) error {
	if len(b) > MaxFile {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrFile, len(b), MaxFile)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %v", ErrFile, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: there is something behind its end", ErrFile)
	}
	if *got != version {
		return fmt.Errorf("%w: version %d, want %d", ErrFile, *got, version)
	}
	return nil
}
