package opus

// glue joins frames at the end of a loss: sound that comes back louder than what
// was concealed fades in.
func (c *channel) glue(sound []int16) {
	q := &c.concealer
	if c.lost > 0 {
		q.energy, q.shift = energy(sound)
		q.after = true
		return
	}
	if q.after {
		q.fadeIn(sound)
	}
	q.after = false
}

func (q *concealer) fadeIn(sound []int16) {
	now, shift := energy(sound)
	was := q.energy
	if shift > q.shift {
		was >>= shift - q.shift
	} else {
		now >>= q.shift - shift
	}
	if now <= was {
		return
	}
	room := leading(was) - 1
	was <<= room
	now >>= max(24-room, 0)
	gainQ16 := root(was/max(now, 1)) << 4
	// Four times as steep as the frame is long: onsets are not to be lost.
	step := (1<<16 - gainQ16) / int32(len(sound)) << 2
	for i, s := range sound {
		sound[i] = int16(mul16(gainQ16, s))
		gainQ16 += step
		if gainQ16 > 1<<16 {
			break
		}
	}
}
