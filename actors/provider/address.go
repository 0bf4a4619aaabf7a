package provider

import (
	"fmt"
	"net/netip"
	"syscall"
)

// An address that came over the admin listener is an address that somebody
// sent. Whoever gets hold of an admin key must not reach with it what only this
// machine reaches: the cloud's metadata, databases, other machines' loopback.

// reserved are the blocks that no provider on the internet is in, and what they
// are. The first that contains an address is said of it.
var reserved = []struct {
	block netip.Prefix
	what  string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "a cloud's metadata"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "a cloud's metadata"},
	{netip.MustParsePrefix("fd20:ce::254/128"), "a cloud's metadata"},
	{netip.MustParsePrefix("100.100.100.200/32"), "a cloud's metadata"},
	{netip.MustParsePrefix("192.0.0.192/32"), "a cloud's metadata"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's metadata"},

	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "behind a carrier's NAT"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "reserved"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},

	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "private"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("2001::/23"), "reserved"}, // Teredo is in it, which would lead anywhere
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation"},
	{netip.MustParsePrefix("3fff::/20"), "for documentation"},
}

// The blocks whose addresses lead to another one that is a part of them: behind
// a gateway they are as good as that.
var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // the last four bytes
	sixToIV = netip.MustParsePrefix("2002::/16")    // the four bytes behind it
	global  = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is routed anywhere
)

// reservedFor says what an address is that no provider on the internet has; it
// returns "" for one that a provider may have.
func reservedFor(a netip.Addr) string {
	a = a.WithZone("").Unmap()
	bytes := a.As16()
	switch {
	case !a.IsValid():
		return "no address"
	case nat64.Contains(a):
		return reservedFor(netip.AddrFrom4([4]byte(bytes[12:16])))
	case sixToIV.Contains(a):
		return reservedFor(netip.AddrFrom4([4]byte(bytes[2:6])))
	}
	for _, r := range reserved {
		if r.block.Contains(a) {
			return r.what
		}
	}
	if a.Is6() && !global.Contains(a) {
		return "reserved"
	}
	return ""
}

// errReserved is why a connection was not made.
type errReserved struct {
	address netip.Addr
	what    string
}

// Error implements error.
func (e errReserved) Error() string {
	return fmt.Sprintf("%s is %s, where nothing that was set over the admin listener may be: "+
		"put a provider into the configuration, or set providers_admin.allow_local", e.address, e.what)
}

// Guard refuses addresses for whatever else is called that an operator set over the
// admin listener. It is for [net.Dialer.Control].
func Guard(network, address string, c syscall.RawConn) error {
	return refuseReserved(network, address, c)
}

// refuseReserved is for [net.Dialer.Control]: it sees the address that a name
// was resolved to, right before the connection is made to it. What the name
// resolved to at any other time does not matter.
func refuseReserved(_, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address: %w", address, err)
	}
	if what := reservedFor(resolved.Addr()); what != "" {
		return errReserved{resolved.Addr(), what}
	}
	return nil
}
