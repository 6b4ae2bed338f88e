package quality

import "math"

// The curve from differences to the scale of PESQ, fitted to testdata/pesq.txt.
const (
	best             = 4.64
	middle           = 53 // difference that is half as bad as can be
	slope            = .019
	asymmetricWeight = .5
)

// rate turns the two differences into a score.
func rate(symmetric, asymmetric float64) float64 {
	d := symmetric + asymmetricWeight*asymmetric
	return 1 + (best-1)*(1+math.Exp(-slope*middle))/(1+math.Exp(slope*(d-middle)))
}
