package directory

// slab holds records end to end in a few large pieces, so that the allocator
// rounds up few sizes. Nothing in it is ever overwritten: whoever has a record of
// it in hand may keep it.
type slab struct {
	piece []byte // being filled
	used  int    // bytes of all pieces
	live  int    // of these, of records that are kept
}

// A piece has a pieceShare of all that is kept, within these bounds: the last one
// is half empty in the mean, and each ends with less than a record of waste.
const (
	pieceShare = 16
	minPiece   = 4 << 10
	maxPiece   = 64 << 10
)

// add returns a copy of b in the slab.
func (s *slab) add(b []byte) []byte {
	if cap(s.piece)-len(s.piece) < len(b) {
		size := max(len(b), min(max(s.live/pieceShare, minPiece), maxPiece))
		s.piece = append([]byte(nil), make([]byte, size)...)[:0] // all that the allocator rounds up to
		s.used += cap(s.piece)
	}
	at := len(s.piece)
	s.piece = append(s.piece, b...)
	s.live += len(b)
	return s.piece[at:len(s.piece):len(s.piece)]
}

// remove counts a record that is not kept any more.
func (s *slab) remove(b []byte) { s.live -= len(b) }

// wasteful reports whether a third of the slab is of no use: then what is kept is
// copied to a new one, and the old pieces are the collector's.
func (s *slab) wasteful() bool { return s.used > 2*maxPiece && s.used-s.live > s.used/3 }
