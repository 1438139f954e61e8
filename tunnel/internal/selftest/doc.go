// Package selftest holds homeward's device to what Linux asks of its own WireGuard in
// tools/testing/selftests/wireguard/netns.sh, on both data planes. A phone, which is
// wireguard-go's module with a stack of its own, calls from outside:
//
//	phone ─ outside ──────────── box ─────────── LAN host
//	        203.0.113.2   203.0.113.1            192.168.77.20
//	        2001:db8:113::2  …113::1             fd77::20
//
// What the kernel's test asks, and which test asks it here:
//
//	ping, TCP, UDP by both families, many at once,     TestTrafficOfAllKindsByEveryKindOfOuterAddress
//	  outside IPv4, IPv6, link-local; counters, time   TestTwoPhonesTalkBothWaysThroughTheBox
//	a large MTU, and one that changes                  TestALargeMTUWorks
//	                                                   TestTheInterfacesMTUMayChangeWhileTrafficRuns
//	padding fits the MTU                               TestPaddingStaysWithinTheMTU
//	large packets on narrow lines                      TestLargePacketsPassNarrowLines
//	the phone roams: port, address, family             TestAnOpenStreamLivesThroughRoaming
//	answers come from the address that was called      TestTheBoxAnswersFromTheAddressThatWasCalled
//	the source address goes away while in use          TestTheBoxGoesOnFromAnotherAddressWhenTheOldOneIsGone
//	another interface's route takes precedence         TestTrafficFollowsTheRouteToAnotherInterface
//	packets from another's inner address are dropped,  TestAnAddressIsTakenFromItsOwnerAlone
//	  allowed IPs move, the endpoint follows
//	another key, and a handshake at once               TestAPhoneGetsAnotherKeyAndIsInAtOnce
//	our own key is no peer's                           TestAListOfPeersWithAMistakeChangesNothing
//	keys of small order                                TestNobodyComesInByAKeyThatSharesItsSecretWithAll
//	a routing loop does not explode                    TestARoutingLoopDoesNotExplode
//	a NAT that forgets, and keepalive                  TestAPhoneBehindANATThatForgets
//	keepalive handshakes at once; silence without      TestKeepaliveComesInByItselfAndSilenceIsSilent
//	down and up with packets that wait                 TestWhatWaitedWhileTheBoxWasDownArrives
//	                                                   TestNotTooManyPacketsWaitForAPhoneThatIsAway
//	cookies under load                                 TestAFloodOfHandshakesKeepsNoPhoneOut
//	a peer that goes is freed while traffic runs       TestPeersThatGoWhileTheyTalkAreGone
//	long lists through the control interface           TestAThousandPeersAreAddedAndReadQuickly
//	all that was created is destroyed                  TestNothingRunsAfterTheEnd
//
// What has no counterpart, since this is a server's device and not the kernel's:
//
//   - Moving the interface into another namespace, circular references between
//     namespaces, and the mark of packets (fwmark, the routing of wg-quick): the
//     sockets are those of one process, and a server takes no default route.
//   - WireGuard through WireGuard: another server at home is reached by UDP like any
//     other thing.
//   - MTUs of single routes: wireguard-go pads to the MTU of the device alone.
//   - SO_BINDTODEVICE and rerouting by marks inside: it is about the kernel's own stack.
//   - A private key that is empty or changed while running: the server's is fixed from
//     New on, and restoring another one starts the tunnel anew.
//   - An ICMP error for a peer without an endpoint: what another device sends there is
//     dropped, as in wireguard-go; the sender hears nothing, as of a phone that is off.
package selftest
