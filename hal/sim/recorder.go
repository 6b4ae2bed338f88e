package sim

import (
	"bufio"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"peerphone/hal"
)

const (
	// recordBlocks bounds the sound that waits for the disk: 5 s. What comes
	// when all are in use is dropped, and silence stands in its place.
	recordBlocks = 500
	// recordFlush is how often the file is made complete, so that a process
	// that is killed leaves a whole WAV file behind.
	recordFlush = 500 * time.Millisecond
)

// block is one period on its way to the disk.
type block struct {
	pos     int64 // of the first sample in the file
	at      hal.Instant
	pcm     [480]int16
	samples int
}

// A recorder writes sound and stamps from a goroutine of its own. Its methods
// for the audio goroutines neither block nor allocate. A nil recorder records
// nothing.
type recorder struct {
	// constant
	rate  int
	limit int64 // samples
	free  chan *block
	full  chan *block
	done  chan struct{}

	// owned by the audio goroutine
	pos int64

	dropped atomic.Uint64 // blocks
	closing sync.Once

	// owned by run
	wav     *os.File // nil: stamps only
	stamps  *os.File
	lines   *bufio.Writer
	written int64 // samples in wav
	buf     []byte
	err     error // the first
}

// newRecorder creates the files; wav may be "".
func newRecorder(f hal.Format, wav, stamps string, limit int64) (*recorder, error) {
	r := &recorder{
		rate:  f.Rate,
		limit: min(limit, 1<<30),
		free:  make(chan *block, recordBlocks),
		full:  make(chan *block, recordBlocks),
		done:  make(chan struct{}),
	}
	if err := r.create(wav, stamps); err != nil {
		r.closeFiles()
		return nil, err
	}
	for range recordBlocks {
		r.free <- new(block)
	}
	go r.run() // owned by Board, ended by close
	return r, nil
}

func (r *recorder) create(wav, stamps string) (err error) {
	if wav != "" {
		if r.wav, err = os.Create(wav); err != nil {
			return err
		}
		if _, err = r.wav.Write(appendWAVHeader(nil, r.rate, 0)); err != nil {
			return err
		}
	}
	if r.stamps, err = os.Create(stamps); err != nil {
		return err
	}
	r.lines = bufio.NewWriter(r.stamps)
	return nil
}

// write records one period that sounds at the instant at.
func (r *recorder) write(pcm []int16, at hal.Instant, mute bool) {
	if r == nil || r.pos+int64(len(pcm)) > r.limit {
		return
	}
	pos := r.pos
	r.pos += int64(len(pcm))
	b := r.take()
	if b == nil {
		return
	}
	b.pos, b.at, b.samples = pos, at, copy(b.pcm[:], pcm)
	if mute {
		clear(b.pcm[:])
	}
	r.full <- b
}

// silence lets n samples pass; the file has zeros there.
func (r *recorder) silence(n int64) {
	if r != nil {
		r.pos = min(r.pos+max(n, 0), r.limit)
	}
}

// stamp records that the sample at pos was captured at the instant at.
func (r *recorder) stamp(pos int64, at hal.Instant) {
	if r == nil || pos > r.limit {
		return
	}
	if b := r.take(); b != nil {
		b.pos, b.at, b.samples = pos, at, 0
		r.full <- b
	}
}

// take returns a free block, nil when the disk is too slow.
func (r *recorder) take() *block {
	select {
	case b := <-r.free:
		return b
	default:
		r.dropped.Add(1)
		return nil
	}
}

func (r *recorder) run() {
	defer close(r.done)
	tick := time.NewTicker(recordFlush)
	defer tick.Stop()
	dirty := false
	for {
		select {
		case b := <-r.full:
			if b == nil {
				r.flush()
				r.closeFiles()
				return
			}
			r.save(b)
			r.free <- b
			dirty = true
		case <-tick.C:
			if dirty {
				r.flush()
				dirty = false
			}
		}
	}
}

func (r *recorder) save(b *block) {
	r.buf = strconv.AppendInt(r.buf[:0], b.pos, 10)
	r.buf = strconv.AppendInt(append(r.buf, ' '), int64(b.at), 10)
	_, err := r.lines.Write(append(r.buf, '\n'))
	r.note(err)
	if r.wav == nil || b.samples == 0 {
		return
	}
	r.buf = appendPCM(r.buf[:0], b.pcm[:b.samples])
	_, err = r.wav.WriteAt(r.buf, wavHeader+2*b.pos)
	r.note(err)
	r.written = b.pos + int64(b.samples)
}

// flush makes the files complete as they are.
func (r *recorder) flush() {
	r.note(r.lines.Flush())
	if r.wav != nil {
		_, err := r.wav.WriteAt(appendWAVHeader(r.buf[:0], r.rate, int(r.written)), 0)
		r.note(err)
	}
}

func (r *recorder) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *recorder) closeFiles() {
	if r.wav != nil {
		r.note(r.wav.Close())
	}
	if r.stamps != nil {
		r.note(r.stamps.Close())
	}
}

// close completes the files. Nothing is recorded afterwards.
func (r *recorder) close() error {
	if r == nil {
		return nil
	}
	r.closing.Do(func() { r.full <- nil })
	<-r.done
	return r.err
}
