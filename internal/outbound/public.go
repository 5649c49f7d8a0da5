// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
)

// onlyPublic returns an error for addresses that are not on the public internet. It
// checks the address after the name is resolved, so that a name which resolves
// differently between a check and the connection (DNS rebinding) has no effect.
func onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(addrPort.Addr()) {
		return fmt.Errorf("%s is not a public address, and no request is sent there", address)
	}
	return nil
}

// alsoPrivate also allows addresses of private networks, at port 443 only, but neither
// this machine nor link-local addresses, such as that of instance metadata.
func alsoPrivate(ctx context.Context, network, address string, conn syscall.RawConn) error {
	if addrPort, err := netip.ParseAddrPort(address); err == nil && isPrivate(addrPort.Addr()) && addrPort.Port() == 443 {
		return nil
	}
	return onlyPublic(ctx, network, address, conn)
}

// special contains the ranges among global unicast addresses that are not public, or
// that a translator maps to an address that was not checked.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"),     // Teredo, ORCHID and the like
	netip.MustParsePrefix("2001:db8::/32"), // documentation
	netip.MustParsePrefix("2002::/16"),     // 6to4
	netip.MustParsePrefix("3fff::/20"),     // documentation
}

var (
	globalIPv6 = netip.MustParsePrefix("2000::/3")
	// nat64 addresses contain an IPv4 address in the last four bytes. A subnet with
	// only IPv6 reaches most of AWS in this way, so the IPv4 address is checked.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

var (
	// carrier is the shared address range (RFC 6598), which large VPCs use when
	// 10.0.0.0/8 is full.
	carrier = netip.MustParsePrefix("100.64.0.0/10")
	// link6 is the range of EC2's local services for instances: metadata, DNS and time.
	link6 = netip.MustParsePrefix("fd00:ec2::/32")
)

func isPrivate(ip netip.Addr) bool {
	ip = ip.Unmap()
	return (ip.IsPrivate() || carrier.Contains(ip)) && !link6.Contains(ip)
}

func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if nat64.Contains(ip) {
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !globalIPv6.Contains(ip) {
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(ip) {
			return false
		}
	}
	return true
}
