package login

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
)

// Cost of a password's hash: argon2id, OWASP's second choice, which a board
// with 512 MB carries.
const (
	argonMemory  = 19 * 1024 // kB
	argonTime    = 2
	argonThreads = 1
	saltSize     = 16
	hashSize     = 32
)

var errHash = errors.New("login: the stored password hash is damaged")

// hashPassword returns the argon2id hash of password in PHC string format.
func hashPassword(password string, rand io.Reader) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return "", fmt.Errorf("login: no randomness for a salt: %w", err)
	}
	hash := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, hashSize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash)), nil
}

// checkPassword reports whether password is the one behind encoded. It takes as
// long whether it is or not.
func checkPassword(password, encoded string) (bool, error) {
	var version int
	var memory, rounds uint32
	var threads uint8
	var rest string
	if _, err := fmt.Sscanf(encoded, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &rounds, &threads, &rest); err != nil {
		return false, errHash
	}
	salt, hash, err := splitHash(rest)
	if err != nil || version != argon2.Version || memory > 4*argonMemory || rounds < 1 || rounds > 8 || threads < 1 || threads > 4 {
		return false, errHash
	}
	again := argon2.IDKey([]byte(password), salt, rounds, memory, threads, uint32(len(hash)))
	return subtle.ConstantTimeCompare(again, hash) == 1, nil
}

func splitHash(rest string) (salt, hash []byte, err error) {
	const saltText, hashText = 22, 43 // base64 of saltSize and hashSize
	if len(rest) != saltText+1+hashText || rest[saltText] != '$' {
		return nil, nil, errHash
	}
	if salt, err = base64.RawStdEncoding.DecodeString(rest[:saltText]); err != nil {
		return nil, nil, errHash
	}
	hash, err = base64.RawStdEncoding.DecodeString(rest[saltText+1:])
	return salt, hash, err
}

// maxWait is how long a request may wait for a worker; whoever would wait
// longer is sent away at once.
const maxWait = 4 * time.Second

// workers bounds how many hashes run at once, and how many wait: each takes
// 19 MiB and a whole core.
type workers struct {
	slots chan struct{}

	mu      sync.Mutex
	waiting int           // guarded by mu; those that run included
	average time.Duration // guarded by mu; of one hash
}

func newWorkers(n int) *workers {
	return &workers{slots: make(chan struct{}, n), average: 50 * time.Millisecond}
}

// run calls hash when a worker is free. It returns a busy Denial at once when
// the queue is too long.
func (w *workers) run(ctx context.Context, hash func()) error {
	if wait, ok := w.enter(); !ok {
		return busy(wait)
	}
	defer w.leave()
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return busy(maxWait)
	}
	defer func() { <-w.slots }()
	began := time.Now()
	hash()
	w.took(time.Since(began))
	return nil
}

// enter counts one more in the queue, or returns how long the queue is.
func (w *workers) enter() (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := w.average * time.Duration(w.waiting) / time.Duration(cap(w.slots))
	if wait > maxWait {
		return wait, false
	}
	w.waiting++
	return 0, true
}

func (w *workers) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting--
}

// took moves the average by an eighth towards d.
func (w *workers) took(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.average += (d - w.average) / 8
}
