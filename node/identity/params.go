package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// ParamsValidity is how long the root's word on the issuing key holds.
const ParamsValidity = 90 * 24 * time.Hour

// maxParams bounds the encoded parameters, in bytes.
const maxParams = 2048

// Params are the network parameters, signed by the root key.
type Params struct {
	Sequence  uint64           `cbor:"1,keyasint"` // the higher one counts
	Issuing   ID               `cbor:"2,keyasint"` // signs name and node certificates
	NotAfter  int64            `cbor:"3,keyasint"` // Unix seconds
	Bootstrap []netip.AddrPort `cbor:"4,keyasint"` // supernodes to begin with, at most 16
	// Quota is how many supernodes of one address prefix count, a /24 of IPv4 or a
	// /48 of IPv6; 0: DefaultQuota. Exempt are networks in which that does not hold,
	// at most 16, beside loopback, private and link-local addresses.
	Quota  uint16         `cbor:"5,keyasint,omitempty"`
	Exempt []netip.Prefix `cbor:"6,keyasint,omitempty"`
	// Membership says whom a supernode knows.
	Membership Membership `cbor:"7,keyasint,omitempty"`
	// Former are the issuing keys before this one whose revocation lists still hold, at
	// most 4: what was revoked stays revoked while the list of the new key spreads.
	Former []ID `cbor:"8,keyasint,omitempty"`
}

// Membership says how many of the supernodes each of them knows.
type Membership uint8

// The memberships.
const (
	BySize   Membership = iota // all of them, as long as there are not too many
	Whole                      // all of them, however many
	Kademlia                   // a few hundred: many near itself, few far away
)

// DefaultQuota is how many supernodes of one prefix count: a household or a small
// firm has fewer, and who rents a whole prefix gains no more by it.
const DefaultQuota = 16

// signedParams is what travels: the root key, the exact bytes of the
// parameters, and the signature over them.
type signedParams struct {
	Root      ID     `cbor:"1,keyasint"`
	Params    []byte `cbor:"2,keyasint"`
	Signature []byte `cbor:"3,keyasint"`
}

const (
	maxBootstrap = 16
	maxExempt    = 16
	maxFormer    = 4
)

// Errors of network parameters.
var (
	ErrParams        = errors.New("identity: malformed network parameters")
	ErrParamsForeign = errors.New("identity: the network parameters are of another network")
	ErrParamsExpired = errors.New("identity: the network parameters have expired; the owner of the root key must sign new ones")
)

// SignParams returns p signed with the root key.
func SignParams(root Key, p Params) ([]byte, error) {
	if !p.ok() {
		return nil, fmt.Errorf("%w: no issuing key, a bad bootstrap address or more than %d", ErrParams, maxBootstrap)
	}
	body, err := paramsEncoding.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return paramsEncoding.Marshal(signedParams{root.ID(), body, root.Sign(paramsMessage(body))})
}

// ParseParams reads parameters and checks that network's root signed them and
// that they are valid at now. A zero now skips the second check.
func ParseParams(network Network, b []byte, now time.Time) (Params, error) {
	var s signedParams
	var p Params
	if len(b) > maxParams || paramsDecoding.Unmarshal(b, &s) != nil {
		return p, ErrParams
	}
	if NetworkOf(s.Root) != network || !s.Root.Verify(paramsMessage(s.Params), s.Signature) {
		return p, ErrParamsForeign
	}
	if err := paramsDecoding.Unmarshal(s.Params, &p); err != nil || !p.ok() {
		return Params{}, ErrParams
	}
	if !now.IsZero() && now.Unix() > p.NotAfter {
		return Params{}, ErrParamsExpired
	}
	return p, nil
}

func (p Params) ok() bool {
	for _, a := range p.Bootstrap {
		if !a.IsValid() || a.Port() == 0 || a.Addr().Zone() != "" || a.Addr().Is4In6() {
			return false
		}
	}
	for _, e := range p.Exempt {
		if !e.IsValid() || e != e.Masked() || e.Addr().Is4In6() {
			return false
		}
	}
	return len(p.Bootstrap) <= maxBootstrap && len(p.Exempt) <= maxExempt && p.Membership <= Kademlia && !p.Issuing.IsZero() &&
		len(p.Former) <= maxFormer && !slices.ContainsFunc(p.Former, ID.IsZero)
}

// Succeed returns the next parameters, in which issuing takes the place of the key
// that p names; that one's revocation lists still hold.
func (p Params) Succeed(issuing ID) Params {
	former := append([]ID{p.Issuing}, slices.DeleteFunc(slices.Clone(p.Former), func(id ID) bool { return id == p.Issuing || id == issuing })...)
	p.Sequence++
	p.Issuing, p.Former = issuing, former[:min(len(former), maxFormer)]
	return p
}

// Signers are those whose revocation lists hold, the issuing key first.
func (p Params) Signers() []ID { return append([]ID{p.Issuing}, p.Former...) }

// NetworkOfParams returns the network whose root key signed b: for a login
// server, whose root key lies elsewhere. Whoever is given b by others must know
// the network already, and use ParseParams.
func NetworkOfParams(b []byte) (Network, error) {
	var s signedParams
	if len(b) > maxParams || paramsDecoding.Unmarshal(b, &s) != nil {
		return Network{}, ErrParams
	}
	if !s.Root.Verify(paramsMessage(s.Params), s.Signature) {
		return Network{}, ErrParamsForeign
	}
	return NetworkOf(s.Root), nil
}

func paramsMessage(body []byte) []byte {
	return append([]byte("peerphone network parameters\x00"), body...)
}

var paramsEncoding = must(cbor.CoreDetEncOptions().EncMode())

var paramsDecoding = must(cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden,
	TagsMd: cbor.TagsForbidden, MaxNestedLevels: 4, MaxArrayElements: maxBootstrap, MaxMapPairs: 16,
	ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic("identity: " + err.Error())
	}
	return v
}
