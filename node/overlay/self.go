package overlay

import "peerphone/node/identity"

// SetSelf tells under which key we appear, once the login server has certified
// one and when a new epoch brings the next. Learn comes after it.
func (o *Overlay) SetSelf(self identity.ID) { o.cfg.Self = self }
