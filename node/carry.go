package node

import (
	"context"
	"log/slog"
	"time"

	"peerphone/hal"
	"peerphone/node/call"
	"peerphone/node/contacts"
	"peerphone/node/identity"
	"peerphone/node/login"
	"peerphone/node/media"
	"peerphone/node/path"
	"peerphone/node/session"
	"peerphone/node/wire"
)

// carryOut does what the core asks of the world.
func (n *Node) carryOut(ctx context.Context, effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case SendUDP:
			if !n.socket.sendBy(path.Way{Addr: e.Addr, Socket: e.Socket}, e.Frame, time.Time{}) && e.Socket == 0 {
				n.socket.post(func(c *Core, now time.Time) { c.Unroutable(now, e.Addr) })
			}
		case DialStream:
			n.dialStream(ctx, e)
		case SendStream:
			n.socket.sendBy(path.Way{Stream: e.Stream}, e.Frame, time.Time{})
		case CloseStream:
			n.socket.streams.end(e.Stream)
		case OpenSocket:
			n.openUplink(ctx, e)
		case CloseSocket:
			n.socket.closeExtra(e.Socket)
		case OpenSockets:
			n.openMany(e)
		case CloseSockets:
			n.closeMany(e)
		case TryTCP:
			n.tryTCP(ctx, e)
		case Knock:
			n.knock(ctx, e)
		case Handshake:
			n.tlsStep(ctx, e)
		case Certified:
			n.granted.Store(e.Granted)
		case AskLogin:
			n.askLogin(ctx, e.Request)
		case OpenSession:
			n.socket.live.LoadOrStore(e.Index, &line{channel: e.Channel})
		case CloseSession:
			n.socket.live.Delete(e.Index)
		case StartMedia:
			n.startMedia(e)
		case MoveMedia:
			n.moveMedia(e.Index)
		case NarrowMedia:
			n.narrowMedia(e)
		case RouteMedia:
			n.routeMedia(e)
		case ShakeMedia:
			if n.call.route != nil {
				n.call.route.shake(hal.Now())
			}
		case HoldMedia:
			if n.call.leg != nil {
				n.call.leg.Hold(e.On)
			}
		case StopMedia:
			n.stopMedia(e.Call)
		case SoundKey:
			if n.engine != nil {
				n.engine.Key(byte(e.Key))
			}
		case Restart:
			select {
			case n.restart <- struct{}{}:
			default: // nobody has taken the last one yet
			}
		case Serve:
			n.serve(e.On)
		case ShowFace:
			n.faces.put(e.Face)
			n.sound.tone = tones[e.Face.Tone]
			n.sounds.put(n.sound)
		case Looked:
			n.looked(e.Result)
		case Log:
			n.log.Log(ctx, levels[e.Level], e.Message, e.Fields...)
		default:
			n.save(e)
		}
	}
}

var levels = map[Level]slog.Level{Debug: slog.LevelDebug, Info: slog.LevelInfo, Warn: slog.LevelWarn}

// save keeps state on disk. What cannot be kept is logged: the phone works on,
// and the next start finds the older state.
func (n *Node) save(e Effect) {
	var err error
	switch e := e.(type) {
	case SaveCache:
		err = n.state.keepCache(e.Members)
	case SaveNAT:
		n.mapWhenUDP(e.NAT)
		err = n.state.keepNAT(e.NAT)
	case SaveRoster:
		roster, now := n.core.Roster(), time.Now()
		n.workers.Go(func() { // owner: Run; it may have two megabytes
			if err := n.state.keepRoster(now, roster); err != nil {
				n.log.Error("state not kept", "error", err)
			}
		})
	case SaveContacts:
		err = n.state.write(contactFile, contacts.Append(nil, e.Contacts))
	case SaveLog:
		err = n.state.write(logFile, contacts.AppendLog(nil, e.Entries))
	case SaveRevoked:
		err = n.state.write(revokedFile, e.Raw)
	case SaveRelay:
		err = n.state.keepRelay(e.Month)
	case SaveAcquaintances:
		err = n.state.keepAcquaintances(e.List)
	case SaveSettings:
		err = n.state.keepSettings(e.Settings)
	case SaveLogin:
		err = n.state.write(loginFile, e.Saved.Append(nil))
	}
	if err != nil {
		n.log.Error("state not kept", "error", err)
	}
}

// tlsStep queues a step of a handshake. The table bounds half-open handshakes,
// and with them this queue; a step that finds it full is lost like a datagram.
func (n *Node) tlsStep(ctx context.Context, h Handshake) {
	select {
	case n.tls <- h.Request:
	default:
		n.log.Warn("handshakes are behind; a step was dropped")
	}
}

// shakeHands runs the steps of all handshakes, one at a time, off the loop.
func (n *Node) shakeHands(ctx context.Context) {
	tls := session.NewTLS(n.credentials, n.trust, time.Now)
	defer tls.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case request := <-n.tls:
			progress := tls.Do(request)
			n.enter(ctx, func(c *Core, now time.Time) { c.Progress(now, request.Session(), progress) })
		}
	}
}

// credentials returns what we show as r; nothing before the first grant.
func (n *Node) credentials(r session.Role) session.Credentials {
	g := n.granted.Load()
	switch {
	case g == nil:
		return session.Credentials{}
	case r == session.AsPhone:
		return session.Credentials{Chain: g.PhoneChain(), Key: n.device}
	}
	return session.Credentials{Chain: g.NodeChain(), Key: g.NodeKey}
}

func (n *Node) trust() identity.Trust {
	if g := n.granted.Load(); g != nil {
		return g.Trust
	}
	return identity.Trust{Network: n.inv.Network}
}

// askLogin exchanges one request and reply with the login server. The login
// core has one request at a time under way.
func (n *Node) askLogin(ctx context.Context, request wire.Message) {
	n.workers.Go(func() { // owner: Run
		reply, err := login.Exchange(ctx, n.inv, n.account, request)
		n.enter(ctx, func(c *Core, now time.Time) {
			if err != nil {
				c.LoginFailed(now, err)
				return
			}
			c.LoginReply(now, reply)
		})
	})
}

// startMedia begins a call's sound.
func (n *Node) startMedia(e StartMedia) {
	if n.engine == nil {
		return
	}
	leg := media.NewLeg(e.Codec, false)
	n.expect(leg, e.Line)
	n.call = strip{index: e.Index, leg: leg, line: e.Line}
	n.leg.Store(leg)
	n.hear(e.Index, leg)
	n.sound.leg = leg
	n.sounds.put(n.sound)
	n.socket.conn.stamp(true)
}

// expect tells leg what the line lets through, and what waits there.
func (n *Node) expect(leg *media.Leg, line int) {
	now := hal.Now()
	leg.Expect(now, line, n.socket.flow.owed(now, line))
}

// narrowMedia tells the sound of a call how thin its line is.
func (n *Node) narrowMedia(e NarrowMedia) {
	if n.call.leg == nil || n.call.index != e.Index {
		return
	}
	n.expect(n.call.leg, e.Line)
	n.call.line = e.Line
	if n.call.route != nil {
		n.call.route.narrow(e.Line)
	}
}

// hear lets the socket's reader hand the sound of a session to leg; nil: to
// nobody.
func (n *Node) hear(ix wire.Index, leg *media.Leg) {
	if l, ok := n.socket.live.Load(ix); ok {
		l.(*line).leg.Store(leg)
		if leg == nil {
			l.(*line).route.Store(nil)
		}
	}
}

// moveMedia lets a call's sound come in another session. It goes nowhere until
// that has a way: the former session may end at any moment.
func (n *Node) moveMedia(to wire.Index) {
	if n.call.leg == nil {
		return
	}
	n.hear(n.call.index, nil)
	n.call.leg.SetRoute(nil)
	n.call.index, n.call.route = to, nil
	n.hear(to, n.call.leg)
}

// routeMedia tells a call's sound its ways.
func (n *Node) routeMedia(e RouteMedia) {
	l, ok := n.socket.live.Load(e.Index)
	if !ok || n.call.leg == nil || n.call.index != e.Index {
		return
	}
	now := hal.Now()
	if n.call.route == nil {
		n.call.route = newMediaRoute(now, n.call.line, newSoundOut(n.socket, e.Channel, e.Index))
		l.(*line).route.Store(n.call.route)
	}
	n.call.route.steer(now, e.Active, e.Standby, e.Trial)
	n.call.leg.SetRoute(&media.Route{Sender: n.call.route, Extra: n.call.route.extra(), Beside: n.call.route.beside()})
}

// stopMedia ends a call's sound; its statistics stay until the next call.
func (n *Node) stopMedia(id call.ID) {
	if n.call.leg == nil {
		return
	}
	n.hear(n.call.index, nil)
	n.call.leg.SetRoute(nil)
	n.log.Info("sound of the call", soundWords(n.call.leg)...)
	heard := loggedSound(n.call.leg.Summary())
	n.socket.post(func(c *Core, now time.Time) { c.Sounded(now, id, heard) })
	n.call = strip{}
	n.socket.conn.stamp(false)
	n.sound.leg = nil
	n.sounds.put(n.sound)
}
