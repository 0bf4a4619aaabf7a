package provider

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/parley/messages"
)

func TestAddressesThatNoProviderHas(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		// Where providers are.
		"1.1.1.1": "", "8.8.8.8": "", "104.18.6.192": "", "172.15.255.255": "", "172.32.0.0": "", "100.63.255.255": "", "100.128.0.0": "",
		"9.255.255.255": "", "11.0.0.0": "", "126.255.255.255": "", "128.0.0.0": "", "169.253.255.255": "", "169.255.0.0": "",
		"192.167.255.255": "", "192.169.0.0": "", "198.17.255.255": "", "198.20.0.0": "", "223.255.255.255": "",
		"2606:4700::6812:6c0": "", "2a00:1450:4001:81b::200e": "", "2001:4860:4860::8888": "", "2001:200::1": "",

		"127.0.0.1": "loopback", "127.1.2.3": "loopback", "127.255.255.255": "loopback", "::1": "loopback",
		"10.0.0.1": "private", "10.255.255.255": "private", "172.16.0.1": "private", "172.31.255.255": "private",
		"192.168.0.1": "private", "192.168.255.255": "private",
		"fc00::1": "private", "fd12:3456::1": "private", "fdff:ffff::1": "private", "fec0::1": "private",
		"169.254.0.1": "link-local", "169.254.170.2": "link-local", "fe80::1": "link-local", "fe80::1%eth0": "link-local", "febf::1": "link-local",
		"169.254.169.254": "a cloud's metadata", "fd00:ec2::254": "a cloud's metadata", "100.100.100.200": "a cloud's metadata",
		"192.0.0.192": "a cloud's metadata", "168.63.129.16": "a cloud's metadata", "fd20:ce::254": "a cloud's metadata",
		"fd00:ec2::254%eth0": "a cloud's metadata",
		"0.0.0.0":            "unspecified", "0.1.2.3": "unspecified", "::": "unspecified", "::%lo": "unspecified",
		"224.0.0.1": "multicast", "239.255.255.255": "multicast", "ff02::1": "multicast", "ff0e::1": "multicast",
		"100.64.0.1": "behind a carrier's NAT", "100.127.255.255": "behind a carrier's NAT",
		"192.0.0.8": "reserved", "240.0.0.1": "reserved", "255.255.255.255": "reserved", "192.88.99.1": "reserved",
		"192.0.2.1": "for documentation", "198.51.100.7": "for documentation", "203.0.113.9": "for documentation", "2001:db8::1": "for documentation",
		"3fff::1": "for documentation", "198.18.0.1": "for benchmarks", "198.19.255.255": "for benchmarks",

		// The same in other clothes: mapped, compatible, translated, NAT64, 6to4, Teredo.
		"::ffff:127.0.0.1": "loopback", "::ffff:10.0.0.1": "private", "::ffff:169.254.169.254": "a cloud's metadata", "::ffff:0.0.0.0": "unspecified",
		"::ffff:100.64.0.1": "behind a carrier's NAT", "::ffff:7f00:1": "loopback", "::ffff:8.8.8.8": "",
		"::127.0.0.1": "reserved", "::10.0.0.1": "reserved", "::ffff:0:127.0.0.1": "reserved",
		"64:ff9b::127.0.0.1": "loopback", "64:ff9b::10.0.0.1": "private", "64:ff9b::169.254.169.254": "a cloud's metadata",
		"64:ff9b::a9fe:a9fe": "a cloud's metadata", "64:ff9b::8.8.8.8": "", "64:ff9b:1::127.0.0.1": "reserved", "64:ff9b:1::8.8.8.8": "reserved",
		"2002:7f00:1::": "loopback", "2002:a00:1::1": "private", "2002:a9fe:a9fe::": "a cloud's metadata", "2002:808:808::1": "",
		"2001::7f00:1": "reserved", "2001:0:5ef5:79fd::1": "reserved", "100::1": "reserved", "4000::1": "reserved", "5f00::1": "reserved",
	} {
		if got := reservedFor(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is %q, want %q", address, got, want)
		}
	}
	if reservedFor(netip.Addr{}) == "" {
		t.Error("no address at all may be called")
	}
}

// What is refused of IPv4 is refused in each of the forms that lead to it, and
// what the standard library knows to be local is.
func TestFormsOfAnAddressAreRefusedAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		four := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "IPv4"))
		plain := netip.AddrFrom4(four)
		want := reservedFor(plain)
		if want == "" && (plain.IsLoopback() || plain.IsPrivate() || plain.IsLinkLocalUnicast() || plain.IsMulticast() || plain.IsUnspecified()) {
			t.Fatalf("%s may be called", plain)
		}
		mapped := netip.AddrFrom16(plain.As16())
		nat := [16]byte{0, 0x64, 0xff, 0x9b, 12: four[0], 13: four[1], 14: four[2], 15: four[3]}
		six := [16]byte{0x20, 0x02, four[0], four[1], four[2], four[3], 15: 1}
		for _, a := range []netip.Addr{mapped, netip.AddrFrom16(nat), netip.AddrFrom16(six), mapped.WithZone("eth0")} {
			if got := reservedFor(a); got != want {
				t.Fatalf("%s is %q, and %s is %q", plain, want, a, got)
			}
		}
		other := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "IPv6")))
		if reservedFor(other) == "" && !other.IsGlobalUnicast() {
			t.Fatalf("%s may be called", other)
		}
	})
}

// A real dial: names and literals alike are looked at as what they resolve to,
// and nothing arrives at the listener.
func TestGuardedProviderCallsNobodyHere(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepted atomic.Int64
	done := make(chan struct{})
	go func() { // ends with the listener
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::ffff:0:0]"} {
		s := Settings{BaseURL: "http://" + host + ":" + port + "/v1", Connect: 5 * time.Second, guarded: true}.complete("p")
		d, err := newDialer(&s, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		c, err := d.dial(ctx)
		cancel()
		if err == nil {
			_ = c.raw.Close()
			t.Errorf("%s was called", host)
			continue
		}
		if _, refused := errors.AsType[errReserved](err); !refused || !strings.Contains(err.Error(), "providers_admin.allow_local") {
			t.Errorf("%s: %v", host, err)
		}
		f := unreachable("p", err)
		if strings.Contains(f.What+f.Do, "127.0.0.1") || outcomeOf(f).Kind != messages.OutcomeFailed {
			t.Errorf("%s: clients are told %q, %q", host, f.What, f.Do)
		}
		s.guarded = false
		if d, err = newDialer(&s, nil); err != nil {
			t.Fatal(err)
		}
		if c, err = d.dial(t.Context()); err != nil {
			t.Errorf("%s from the configuration: %v", host, err)
			continue
		}
		_ = c.raw.Close()
	}
	if got := accepted.Load(); got > 5 {
		t.Errorf("%d connections came, want those of the configuration", got)
	}
}
