package dsp

import "strings"

// dtmfKeys are the keys of ITU-T Q.23: four rows of a low frequency, four
// columns of a high one.
const dtmfKeys = "123A456B789C*0#D"

// dtmfHz are the frequencies of ITU-T Q.23: the low group, then the high one.
var dtmfHz = [8]uint32{697, 770, 852, 941, 1209, 1336, 1477, 1633}

const (
	// dtmfLow and dtmfHigh are the peaks of the two tones: -16 and -14 dBFS. The
	// high one is stronger, as lines and telephones weaken it.
	dtmfLow  = 5200
	dtmfHigh = 6500
	// dtmfOn and dtmfOff are the lengths of a tone and of the pause behind it
	// in units of 10 ms; ITU-T Q.24 asks receivers for 40 ms of each.
	dtmfOn  = 10
	dtmfOff = 7
	// dtmfQueue is how many keys may wait. More are dropped.
	dtmfQueue = 32
)

// DTMF generates the tones of keys (ITU-T Q.23), one after another. The zero
// value is silent.
type DTMF struct {
	keys  [dtmfQueue]byte // places in dtmfKeys that wait
	first int
	count int
	age   int // units of 10 ms since the first key began
	ramp  int32
	low   uint32 // phases, a turn is 2^32
	high  uint32
	steps [2]uint32
}

// Press lets the tone of key follow those that were pressed before. It returns
// false when key is none of "0123456789*#ABCD", or too many wait.
func (d *DTMF) Press(key byte) bool {
	at := strings.IndexByte(dtmfKeys, key)
	if at < 0 || d.count == dtmfQueue {
		return false
	}
	d.keys[(d.first+d.count)%dtmfQueue] = byte(at)
	d.count++
	return true
}

// Silent reports whether nothing sounds and nothing waits.
func (d *DTMF) Silent() bool { return d.count == 0 }

// Add mixes the next 10 ms into dst, of Unit samples.
func (d *DTMF) Add(dst []int16) {
	if d.count == 0 {
		return
	}
	if d.age == 0 {
		key := uint32(d.keys[d.first])
		d.low, d.high = 0, 0
		d.steps = [2]uint32{turns(dtmfHz[key/4]), turns(dtmfHz[4+key%4])}
	}
	d.age++
	d.sound(dst, d.age <= dtmfOn)
	if d.age == dtmfOn+dtmfOff {
		d.age = 0
		d.first = (d.first + 1) % dtmfQueue
		d.count--
	}
}

// turns is the step of phase of a frequency.
func turns(hz uint32) uint32 { return uint32(uint64(hz) << 32 / Rate) }

func (d *DTMF) sound(dst []int16, on bool) {
	for i := range dst {
		if on && d.ramp < rampSteps {
			d.ramp++
		} else if !on && d.ramp > 0 {
			d.ramp--
		}
		if d.ramp == 0 {
			continue
		}
		s := sin(d.low)*dtmfLow>>15 + sin(d.high)*dtmfHigh>>15
		dst[i] = Saturate(int32(dst[i]) + s*d.ramp/rampSteps)
		d.low += d.steps[0]
		d.high += d.steps[1]
	}
}
