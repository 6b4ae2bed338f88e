package media

import (
	"time"

	"peerphone/node/media/adapt"
)

// Tuner is an Encoder that can follow the network. Tune changes how it codes
// from the next packet on, Units included.
type Tuner interface {
	Tune(s adapt.Setting)
}

// Tune configures the codec; what it cannot do leaves it as it was.
func (o opusEncoder) Tune(s adapt.Setting) {
	c := o.encoder.Config()
	c.Bitrate, c.Coarse, c.Bandwidth = s.Bitrate, s.Coarse, s.Band
	c.FrameMS = int(s.Packet / time.Millisecond)
	c.FEC, c.ExpectedLoss, c.CBR = s.FEC, s.Loss, s.Steady
	if c != o.encoder.Config() {
		_ = o.encoder.Configure(c)
	}
}
