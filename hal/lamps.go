package hal

//go:generate go tool stringer -type=Light -linecomment

// Light is what a lamp shows.
type Light uint8

// The lights of a lamp. Blink has a period of 1 s, Flash of 250 ms.
const (
	Off   Light = iota // off
	On                 // on
	Blink              // blink
	Flash              // flash
)

// Lamp is one lamp; its driver does the blinking.
type Lamp interface {
	Light(Light) error
}

// LampName names a lamp by its meaning.
type LampName string

// The lamps that a telephone may have. InUse is on exactly while a microphone
// is open.
const (
	LampLine  LampName = "line"  // on: attached and callable; blink: on its way; flash: needs its owner
	LampRing  LampName = "ring"  // flash while a call rings
	LampInUse LampName = "inuse" // on while the microphone is open
)

// Screen shows lines of text. Show replaces the whole picture; what does not
// fit is cut. Size returns columns and lines.
type Screen interface {
	Show(lines []string) error
	Size() (columns, lines int)
}

// Ringer rings until it is told to stop.
type Ringer interface {
	Ring(on bool) error
}

// Devices are the parts of one telephone. A nil part is absent.
type Devices struct {
	Card   Card
	Keypad Keypad
	Hook   Hook
	Lamps  map[LampName]Lamp
	Screen Screen
	Ringer Ringer
}
