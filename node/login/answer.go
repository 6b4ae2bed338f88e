package login

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"peerphone/node/identity"
	"peerphone/node/wire"
)

// A request goes through these stages: answer dispatches it; checkWish makes
// sure of the keys and the proof, which costs next to nothing; register, login
// or renew find the account and, but for renew, hash the password; grant signs.

// newcomerRule is how many accounts one source may register: twenty, then one
// more each time that it has waited longer, up to one an hour.
var newcomerRule = penaltyRule{free: 20, first: 10 * time.Second, limit: time.Hour}

// dummyHash is checked in place of the password of an account that does not
// exist, so that it takes the same time.
const dummyHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// asker is who sent a request, as the connection and its wish prove.
type asker struct {
	source netip.Addr
	wish   wire.Wish
	device identity.ID
	now    time.Time
}

// answer returns the reply to a request that came from source over a connection
// that exports binding.
func (s *Server) answer(ctx context.Context, source netip.Addr, binding []byte, request wire.Message) wire.Message {
	a := asker{source: source, now: s.cfg.Clock()}
	var name identity.Name
	var number identity.Number
	var account Account
	var err error
	switch m := request.(type) {
	case wire.Register:
		name, number, a.wish = m.Name, m.Number, m.Wish
		account, err = s.checked(&a, binding, func() (Account, error) { return s.register(ctx, a, m) })
	case wire.Login:
		name, a.wish = m.Name, m.Wish
		account, err = s.checked(&a, binding, func() (Account, error) { return s.login(ctx, a, m) })
	case wire.Renew:
		name, a.wish = m.Name, m.Wish
		account, err = s.checked(&a, binding, func() (Account, error) { return s.renew(ctx, a, m) })
	case wire.Revoke:
		name, a.wish = m.Name, m.Wish
		account, err = s.checked(&a, binding, func() (Account, error) { return s.revoke(ctx, a, m) })
	default:
		err = malformed("a %T is not a request", request)
	}
	if err != nil {
		return s.denied(name, number, err)
	}
	granted, err := s.grant(ctx, a, account)
	if err != nil {
		return s.denied(name, number, err)
	}
	s.cfg.Log.Info("login: granted", "account", string(name), "device", a.device.String())
	return granted
}

// checked calls then when the wish of a holds; it fills in a's device.
func (s *Server) checked(a *asker, binding []byte, then func() (Account, error)) (Account, error) {
	device, err := checkWish(a.wish, binding, a.now)
	if err != nil {
		return Account{}, err
	}
	a.device = device
	return then()
}

// checkWish verifies the proof and the device certificate, and returns the
// device.
func checkWish(w wire.Wish, binding []byte, now time.Time) (identity.ID, error) {
	if !w.Account.Verify(wire.WishMessage(w, binding), w.Proof) {
		return identity.ID{}, malformed("the account key's proof does not fit this connection")
	}
	if w.Node.IsZero() || w.Next.IsZero() || w.Records[0].IsZero() || w.Records[1].IsZero() || w.Records[0] == w.Records[1] {
		return identity.ID{}, malformed("a key is missing")
	}
	for i, key := range w.Words {
		if key.IsZero() || slices.Contains(w.Words[:i], key) {
			return identity.ID{}, malformed("a word's key is missing")
		}
	}
	device, err := identity.ParseDeviceCertificate(w.Device)
	if err != nil {
		return identity.ID{}, malformed("the device certificate is damaged")
	}
	switch err := device.Check(w.Account, now); {
	case errors.Is(err, identity.ErrForeign):
		return identity.ID{}, deny(wire.DenyForeign)
	case errors.Is(err, identity.ErrExpired):
		return identity.ID{}, deny(wire.DenyExpired)
	case err != nil:
		return identity.ID{}, malformed("the device certificate is not valid yet, so the phone's clock is fast")
	}
	return device.Subject, nil
}

// register makes the account of m, or finds that it has been made like that.
func (s *Server) register(ctx context.Context, a asker, m wire.Register) (Account, error) {
	switch account, err := s.cfg.Store.Account(ctx, m.Name); {
	case errors.Is(err, ErrUnknown):
		return s.create(ctx, a, m)
	case err != nil:
		return Account{}, err
	case account.Key != a.wish.Account:
		return Account{}, ErrNameTaken
	case account.Number != m.Number:
		return Account{}, malformed("the account %q already has the number %s", m.Name, account.Number)
	default:
		return account, s.checkPassword(ctx, a, m.Name, m.Password, account.Password)
	}
}

func (s *Server) create(ctx context.Context, a asker, m wire.Register) (Account, error) {
	if !s.cfg.Open {
		return Account{}, ErrClosed
	}
	if wait := s.chargeNewcomer(a); wait > 0 {
		return Account{}, busy(wait)
	}
	account := Account{
		Name: m.Name, Number: m.Number, Display: m.Display, Key: a.wish.Account,
		Created: a.now.Unix(), Devices: []DeviceSeen{{Device: a.device, Seen: a.now.Unix()}},
	}
	var err error
	if busy := s.workers.run(ctx, func() { account.Password, err = hashPassword(m.Password, s.cfg.Rand) }); busy != nil {
		return Account{}, busy
	}
	if err != nil {
		return Account{}, err
	}
	err = s.cfg.Store.Create(ctx, account)
	switch {
	case errors.Is(err, ErrNameTaken): // by the same phone a moment ago, perhaps
		if now, again := s.cfg.Store.Account(ctx, m.Name); again == nil && now.Key == account.Key && now.Number == account.Number {
			return now, s.checkPassword(ctx, a, m.Name, m.Password, now.Password)
		}
	case errors.Is(err, ErrKey):
		return Account{}, malformed("this account key already has an account with another name")
	}
	return account, err
}

func (s *Server) chargeNewcomer(a asker) time.Duration {
	if exempt(a.source) {
		return 0
	}
	return s.newcomers.charge(a.now, sourceKey(a.source), newcomerRule)
}

func (s *Server) login(ctx context.Context, a asker, m wire.Login) (Account, error) {
	account, err := s.cfg.Store.Account(ctx, m.Name)
	if errors.Is(err, ErrUnknown) {
		if err := s.checkPassword(ctx, a, m.Name, m.Password, dummyHash); errors.Is(err, ErrBusy) {
			return Account{}, err
		}
		return Account{}, ErrUnknown
	}
	if err != nil {
		return Account{}, err
	}
	if err := s.checkPassword(ctx, a, m.Name, m.Password, account.Password); err != nil {
		return Account{}, err
	}
	if account.Key != a.wish.Account {
		return Account{}, ErrKey
	}
	return account, nil
}

func (s *Server) renew(ctx context.Context, a asker, m wire.Renew) (Account, error) {
	account, err := s.cfg.Store.Account(ctx, m.Name)
	if err == nil && account.Key != a.wish.Account {
		return Account{}, ErrKey
	}
	if err == nil {
		err = account.believed(a.device)
	}
	return account, err
}

// checkPassword compares password with hash: ErrPassword, or a busy Denial when
// there are too many requests or too many wrong passwords.
func (s *Server) checkPassword(ctx context.Context, a asker, name identity.Name, password, hash string) error {
	source, account := sourceKey(a.source), accountKey(name)
	if wait := s.penalties.charge(a.now, source, sourceRule); wait > 0 {
		return busy(wait)
	}
	if wait := s.penalties.charge(a.now, account, accountRule); wait > 0 {
		s.penalties.refund(source)
		return busy(wait)
	}
	var right bool
	var err error
	if busy := s.workers.run(ctx, func() { right, err = checkPassword(password, hash) }); busy != nil {
		s.penalties.refund(source)
		s.penalties.refund(account)
		return busy
	}
	switch {
	case err != nil:
		return err
	case !right:
		return ErrPassword
	}
	s.penalties.refund(source)
	s.penalties.forget(account)
	return nil
}

// denied returns the refusal that err stands for, with the sentence for the
// owner. What is no refusal is our own failure: it is logged, and not told.
func (s *Server) denied(name identity.Name, number identity.Number, err error) wire.Denied {
	d := wire.Denied{Code: wire.DenyInternal}
	var denial Denial
	if errors.As(err, &denial) {
		d = denial.Denied
	} else {
		d.Code = codeOf(err)
	}
	if d.Code == wire.DenyInternal {
		s.cfg.Log.Error("login: failed", "account", string(name), "error", err)
	} else {
		s.cfg.Log.Info("login: denied", "account", string(name), "reason", denials[d.Code].Error())
	}
	if d.Code == wire.DenyBusy {
		spread := time.Duration(d.After) * time.Second / 2
		d.After += uint16(jitter(s.cfg.Rand, spread+time.Second) / time.Second)
	}
	if d.Code != wire.DenyMalformed {
		d.Text = Sentence(d, name, number)
	}
	d.Text = cut(d.Text, maxText)
	return d
}

// maxText is the longest text of a wire.Denied, in bytes.
const maxText = 200

// cut shortens ASCII text to n bytes and makes it printable.
func cut(text string, n int) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b[:min(n, len(b))])
}

// codeOf returns the code whose sentinel err is.
func codeOf(err error) wire.DenyCode {
	for code := wire.DenyPassword; code <= wire.DenyRevoked; code++ {
		if code != wire.DenyInternal && errors.Is(err, denials[code]) {
			return code
		}
	}
	return wire.DenyInternal
}
