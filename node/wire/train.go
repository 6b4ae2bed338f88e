package wire

const kindLine Kind = 0x3a // between two phones

const (
	// TrainLength is how many packets a train has.
	TrainLength = 5
	// TrainSize is the size of each payload: 400 bytes with the headers of session,
	// UDP and IPv4.
	TrainSize = 350
)

// Line says how fast the receiver's train came: its line.
type Line struct {
	Rate uint32 `cbor:"1,keyasint"` // bytes a second, with all headers
}

// Kind implements Message.
func (Line) Kind() Kind { return kindLine }

// AppendTrain appends a payload of a train, which is sent at once so that the
// receiver sees how far apart a line lets its packets come:
//
//	  1  PayloadTrain
//	  1  number in the train, from 0
//	348  nothing
func AppendTrain(dst []byte, number int) []byte {
	return append(append(dst, byte(PayloadTrain), byte(number)), make([]byte, TrainSize-2)...)
}

// ParseTrain reads the number of a payload of a train.
func ParseTrain(b []byte) (number int, ok bool) {
	if len(b) != TrainSize || PayloadOf(b) != PayloadTrain || b[1] >= TrainLength {
		return 0, false
	}
	for _, x := range b[2:] {
		if x != 0 {
			return 0, false
		}
	}
	return int(b[1]), true
}
