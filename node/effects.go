package node

import (
	"net/netip"

	"peerphone/hal"
	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/directory"
	"peerphone/node/handset"
	"peerphone/node/login"
	"peerphone/node/overlay"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// Effect is one thing that the control plane asks of the world, in order. The
// loop of a running node carries effects out on sockets, files and hardware;
// the simulator carries them out on its own network.
type Effect interface{ effect() }

type (
	// SendUDP sends a datagram.
	SendUDP struct {
		Socket path.Socket
		Addr   netip.AddrPort
		Frame  []byte
	}
	// DialStream asks for a TLS connection with a supernode; StreamUp or
	// StreamFailed follows.
	DialStream struct {
		Stream path.StreamID
		Index  wire.Index // of the session that it is for
		Addr   netip.AddrPort
		Want   session.Want
	}
	// SendStream sends a frame in a stream.
	SendStream struct {
		Stream path.StreamID
		Frame  []byte
	}
	// CloseStream ends a stream, or the dialling of it, after what was sent
	// in it.
	CloseStream struct{ Stream path.StreamID }
	// Handshake asks for a step of a TLS handshake; its Progress comes back
	// through Core.Progress.
	Handshake struct{ Request session.Request }
	// Certified says what we show from now on, and whom we trust.
	Certified struct{ Granted *login.Granted } // it does not change
	// AskLogin asks the login server; the reply comes back through
	// Core.LoginReply or Core.LoginFailed.
	AskLogin struct{ Request wire.Message }
	// OpenSession lets socket readers open frames of this session.
	OpenSession struct {
		Index   wire.Index
		Channel *session.Channel
	}
	// CloseSession undoes it.
	CloseSession struct{ Index wire.Index }
	// StartMedia begins a call's sound.
	StartMedia struct {
		Call  call.ID
		Index wire.Index
		Codec wire.Codec
		Line  int // bytes a second that may be sent; 0: not known
	}
	// MoveMedia lets a call's sound go on in another session.
	MoveMedia struct {
		Call  call.ID
		Index wire.Index
	}
	// RouteMedia says how the sound of a session can travel from now on: by
	// Active, by Standby when that is silent, and by Trial as well as by Active
	// while that is set.
	RouteMedia struct {
		Index   wire.Index
		Channel *session.Channel
		Active  MediaWay
		Standby []MediaWay
		Trial   MediaWay
	}
	// NarrowMedia says of a call whose sound flows how many bytes a second its line
	// lets through.
	NarrowMedia struct {
		Index wire.Index
		Line  int
	}
	// ShakeMedia tells the sound of a call that our network has changed: it goes
	// by all its ways for a while.
	ShakeMedia struct{}
	// HoldMedia lets a call's sound rest, or flow again.
	HoldMedia struct {
		Call call.ID
		On   bool
	}
	// StopMedia ends a call's sound.
	StopMedia struct{ Call call.ID }
	// SoundKey lets the tone of a key be heard over the call.
	SoundKey struct{ Key hal.Key }
	// ShowFace gives the hardware what to show and sound.
	ShowFace struct{ Face handset.Face }
	// Looked answers a Core.Find.
	Looked struct{ Result directory.Result }
	// OpenSocket opens a further UDP socket, bound to an interface; its port
	// comes back through Core.SocketOpened.
	OpenSocket struct {
		Socket path.Socket
		Device string
	}
	// CloseSocket undoes it.
	CloseSocket struct{ Socket path.Socket }
	// OpenSockets opens many, on random ports.
	OpenSockets path.OpenGates
	// CloseSockets closes them, but for one.
	CloseSockets path.CloseGates
	// TryTCP connects and hangs up; the result comes back through
	// Core.TriedTCP.
	TryTCP path.TryTCP
	// Knock opens a stream to a node and hangs up; the result comes back
	// through Core.Knocked.
	Knock path.Knock
	// SaveNAT keeps what was found out about the way to the outside.
	SaveNAT struct{ NAT path.NAT }
	// SaveCache keeps the host cache.
	SaveCache struct{ Members []overlay.Kept }
	// Serve lets the sockets serve others, or ends that: the relay's data plane is
	// Core.Legs.
	Serve struct{ On bool }
	// SaveRoster keeps the membership that a supernode knows: Core.Roster.
	SaveRoster struct{}
	// SaveContacts keeps the contacts.
	SaveContacts struct{ Contacts []contacts.Contact }
	// SaveLog keeps the log of calls.
	SaveLog struct{ Entries []contacts.Entry }
	// SaveRelay keeps what the relay has carried this month.
	SaveRelay struct{ Month path.RelayMonth }
	// SaveAcquaintances keeps the keys that contacts have given us.
	SaveAcquaintances struct{ List []Acquaintance }
	// SaveSettings keeps the owner's choices.
	SaveSettings struct{ Settings Settings }
	// Restart says that the program may end and begin anew, after Core.WishRestart.
	Restart struct{}
	// SaveRevoked keeps the revocation list.
	SaveRevoked struct{ Raw []byte }
	// SaveLogin keeps what the login server granted.
	SaveLogin struct{ Saved login.Saved }
	// Log tells a change of state.
	Log struct {
		Level   Level
		Message string
		Fields  []any // as slog takes them
	}
)

// MediaWay is a way with how it begins: by a relay, frames go by Via, the way of
// our session with the supernode; else Via is Way.
type MediaWay struct {
	Way, Via path.Way
	Rank     int // the lower the better; the same at both ends, so that they settle on one
}

// Level of a Log.
type Level uint8

// The levels, as slog's.
const (
	Debug Level = iota
	Info
	Warn
)

func (SendUDP) effect()           {}
func (DialStream) effect()        {}
func (SendStream) effect()        {}
func (CloseStream) effect()       {}
func (Handshake) effect()         {}
func (Certified) effect()         {}
func (AskLogin) effect()          {}
func (OpenSession) effect()       {}
func (CloseSession) effect()      {}
func (StartMedia) effect()        {}
func (MoveMedia) effect()         {}
func (RouteMedia) effect()        {}
func (NarrowMedia) effect()       {}
func (ShakeMedia) effect()        {}
func (HoldMedia) effect()         {}
func (StopMedia) effect()         {}
func (SoundKey) effect()          {}
func (ShowFace) effect()          {}
func (Looked) effect()            {}
func (OpenSocket) effect()        {}
func (CloseSocket) effect()       {}
func (OpenSockets) effect()       {}
func (CloseSockets) effect()      {}
func (TryTCP) effect()            {}
func (Knock) effect()             {}
func (SaveNAT) effect()           {}
func (SaveCache) effect()         {}
func (Serve) effect()             {}
func (SaveRoster) effect()        {}
func (SaveContacts) effect()      {}
func (SaveLog) effect()           {}
func (SaveRelay) effect()         {}
func (SaveAcquaintances) effect() {}
func (SaveSettings) effect()      {}
func (SaveRevoked) effect()       {}
func (Restart) effect()           {}
func (SaveLogin) effect()         {}
func (Log) effect()               {}
