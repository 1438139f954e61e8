package upnp

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// register says for each row of the project's tables about port mapping by which tests
// it is held: D discovery, C creating, K keeping, E ending, V IPv6, S security of the
// client, U the cases of a hostile router, T the fault matrix. The tables themselves are
// not kept here; the few words after a row say what it is about.
var register = map[string]string{
	"D1 gateway and own address":        "TestGatewayChoice TestRealRouterRouteChangesAreHeard TestTransientRouteErrorKeepsTheMapping",
	"D2 order of protocols":             "TestBestProtocolThatWorksIsKept",
	"D3 retransmission":                 "TestControlRequestsAreRepeatedUntilAnswered",
	"D4 multicast and unicast":          "TestRealRouterIsFoundByEitherSearch",
	"D5 several search targets":         "TestOddAnswersToASearchAreTaken",
	"D6 any source port":                "TestOddAnswersToASearchAreTaken",
	"D7 multi-homed hosts":              "TestRealRouter",
	"D8 several routers answer":         "TestAnotherRouterIsListedAndNotAsked TestSearchIgnoresAnswersOfOthers TestServicesAreRanked",
	"D9 IP, PPP, versions":              "TestServicesAreRanked TestMapsOnEveryKindOfGateway",
	"D10 pre-standard services":         "TestMapsOnEveryKindOfGateway",
	"D11 addresses in descriptions":     "TestControlURLStaysOnTheGateway",
	"D13 IPv6 locations":                "TestLocationsByIPv6AreOnTheGateway",
	"D14 never gives up":                "TestPausesGrow TestRouteThatAppearsLater",
	"D15 containers":                    "TestAContainersOwnNetworkIsSeen",
	"C1 client is our source address":   "TestMapsAndReleasesAtStop",
	"C2 the router's own choice":        "TestAnotherPortIsOpenedWhereTheRouterDoesNotGiveOurs",
	"C3 upper case":                     "TestMapsOnEveryKindOfGateway",
	"C4 layout of requests":             "TestSOAPRequestsHaveThePlainLayout",
	"C5 ladder of leases":               "TestLeaseLadder",
	"C6 conflicts":                      "TestPortTaken TestAnotherPortIsOpenedWhereTheRouterDoesNotGiveOurs",
	"C7 ranges of ports":                "TestAnotherPortIsOpenedWhereTheRouterDoesNotGiveOurs TestTheQuarterOfThePortsIsFoundByPCPAlone TestPCPIsNeverAskedForAnyPort",
	"C8 no low ports":                   "TestOfferedPortsThatAreNoneAreRefused",
	"C9 no remote host":                 "TestMapsOnEveryKindOfGateway",
	"C10 classes of addresses":          "TestExternalAddressClasses",
	"C11 nothing fallible after":        "TestAddressIsAskedBeforeTheEntryIsMade TestNothingIsAskedThatIsNotNoted",
	"C12 read-back":                     "TestReadBackFindsLies TestMappingsAreSeenByUPnP",
	"C13 description":                   "TestConfigIsChecked",
	"C14 one protocol owns":             "TestTwoProtocolsNeverMakeTwoEntries TestRealRouterShowsTheNonce",
	"C15 replies match requests":        "TestControlAnswersThatAreNotForUsAreIgnored",
	"C16 the whole table":               "TestAListOfMappingsIsRead TestALongTableIsCutAndSaidToBe TestSweepRemovesOnlyOurs",
	"C17 secure mode":                   "TestSecureModeIsSaidPlainly TestRealRouterOwnAddressChanges",
	"K1 renewal":                        "TestRenewsAtHalfOfTheGrantedLease",
	"K2 granted lease":                  "TestEveryProtocolUsesTheLeaseItGets",
	"K3 epochs":                         "TestEpoch",
	"K4 restarts by UPnP":               "TestRealRouterRestarts TestEveryProtocolNoticesARestart",
	"K6 events":                         "TestEventsOfTheRouterAloneAreHeard TestASubscriptionIsKept TestRealRouterTellsItsNewAddressByAnEvent",
	"K5 announcements":                  "TestAnnouncementsCauseOneQuestionInHalfAMinute TestOnlyTheGatewayIsHeard",
	"K7 external address":               "TestAddressChangeIsTold TestAnotherAddressIsNoticedWithinAMinute",
	"K8 gateway and own address change": "TestAnotherGatewayGetsItsOwnMapping TestRouteNewsAreActedOnSoon",
	"K9 dead router":                    "TestMappingIsBelievedInUntilItsLeaseEnds",
	"K10 protocol disappears":           "TestCrashedRunsProtocolGoesOn TestSlowProtocolIsAskedWhenTheQuickOnesRefuse",
	"K11 pace":                          "TestCallsKeepTheirDistance TestSteadyStateIsQuiet TestFlappingRouterIsNotSearchedMoreThanOnceAMinute",
	"K13 permanent leases":              "TestRenewsAtHalfOfTheGrantedLease TestPermanentMappingIsNotedWithoutEnd",
	"E1 removal at stop":                "TestMapsAndReleasesAtStop TestStopWithADeadRouterIsQuick TestStopInTheMiddleOfAskingLeavesNothing",
	"E2 removal on the wire":            "TestControlRequestsOnTheWire",
	"E3 leftovers":                      "TestSweepRemovesOnlyOurs TestEntryOfACrashedRunIsTakenOver TestEntryOfAFormerAddressIsWaitedFor",
	"E4 crash in between":               "TestCrashLeavesNothingUnknown",
	"E5 uninstall":                      "TestCleanTakesEverythingOfOursFromTheRouter",
	"V1 from the address itself":        "TestMapperOpensTheFirewallForIPv6 TestLastingAddress",
	"V2 firewall status":                "TestFirewallAnswers TestFirewallThatIsSwitchedOnLater",
	"V3 numbers of pinholes":            "TestNumberOfAnothersPinholeIsNotOurs TestPinholeThatCannotBeDeletedEndsByItsLease",
	"V4 PCP pinholes":                   "TestRealRouterOpensItsFirewall TestRefusedRemovalOfAnIPv6MappingEndsIt",
	"V5 pf":                             "TestPinholeThatCannotBeMadeTwiceIsLengthened",
	"V6 prefix change":                  "TestAnotherIPv6AddressIsOpenedAnew",
	"V7 packet counters":                "TestPacketsThroughThePinholeAreEvidence",
	"S1 who may answer":                 "TestSearchIgnoresAnswersOfOthers TestLocationMustBeTheGateway",
	"S2 the dialer allows one address":  "TestNobodyButTheGatewayIsContacted",
	"S3 no redirects, no proxy":         "TestNobodyButTheGatewayIsContacted",
	"S4 caps":                           "TestBadBodiesAreBounded TestALongTableIsCutAndSaidToBe",
	"S5 deadlines":                      "TestBadBodiesAreBounded TestNoProtocolWaitsLong",
	"S6 the router's words":             "TestRoutersWordsAreCleaned",
	"S7 PCP and NAT-PMP":                "TestControlAnswersThatAreNotForUsAreIgnored",
	"S8 validated addresses only":       "TestControlExternalAddressAnswers TestVerdicts",
	"S9 only our port":                  "TestMapsAndReleasesAtStop TestOurOwnPortIsNoForward",
	"S10 fuzzing":                       "FuzzSSDP FuzzDescription FuzzReply FuzzParseListing FuzzNATPMP FuzzPCP FuzzClean",

	"U replies of others":                 "TestSearchIgnoresAnswersOfOthers TestControlAnswersThatAreNotForUsAreIgnored",
	"U LOCATION to others":                "TestLocationMustBeTheGateway TestNobodyButTheGatewayIsContacted",
	"U redirects":                         "TestNobodyButTheGatewayIsContacted",
	"U huge, deep, slow, cut":             "TestBadBodiesAreBounded TestRepliesOfAllKinds",
	"U odd external addresses":            "TestExternalAddressAnswers TestVerdicts",
	"U one action for each answer":        "TestLeaseLadder TestVerdicts TestControlResultCodes",
	"U another port than asked":           "TestControlGrantsThatWeDidNotAskForAreGivenBack",
	"U restart":                           "TestRealRouterRestarts TestRealRouterRestartsInPCP",
	"U killed and started: no duplicate":  "TestRealRouter TestEveryProtocolTakesOverWhatACrashedRunMade",
	"U disabled: gone":                    "TestMapsAndReleasesAtStop TestCleanTakesEverythingOfOursFromTheRouter",
	"U announcements and PMP of others":   "TestOnlyTheGatewayIsHeard",
	"U strings with control characters":   "TestRoutersWordsAreCleaned FuzzClean",
	"U somebody else's entries untouched": "TestNothingIsTakenFromACarelessRouter TestSweepRemovesOnlyOurs TestNoProtocolTakesAnothersPort",

	"T01 no protocol":                      "TestNobodyAnswersIsKnownSoon TestPausesGrow TestRealRouterSpeaksNothing",
	"T02 multicast filtered":               "TestRealRouterIsFoundByEitherSearch",
	"T03 multicast only":                   "TestRealRouterIsFoundByEitherSearch",
	"T04 odd source port":                  "TestOddAnswersToASearchAreTaken",
	"T05 root device only":                 "TestOddAnswersToASearchAreTaken",
	"T06 two routers":                      "TestRealRouterBesideAnotherOne TestAnotherRouterIsListedAndNotAsked TestSearchIgnoresAnswersOfOthers",
	"T07 a fake one is faster":             "TestSearchIgnoresAnswersOfOthers",
	"T09 addresses elsewhere":              "TestLocationMustBeTheGateway TestControlURLStaysOnTheGateway TestNobodyButTheGatewayIsContacted",
	"T10 redirects and proxy":              "TestNobodyButTheGatewayIsContacted",
	"T12 IGD 1":                            "TestRealRouter TestMapsOnEveryKindOfGateway",
	"T13 PPP":                              "TestServicesAreRanked TestMapsOnEveryKindOfGateway",
	"T14 pre-standard services":            "TestMapsOnEveryKindOfGateway",
	"T15 more interfaces":                  "TestRealRouter TestGatewayChoice",
	"T16 route comes later":                "TestRealRouterRouteChangesAreHeard TestRouteThatAppearsLater",
	"T20 taken by another host":            "TestAnotherPortIsOpenedWhereTheRouterDoesNotGiveOurs TestRealRouterGivesAnotherPort TestRealRouterPortOfAnotherHost",
	"T21 refused by rule":                  "TestARefusalByRuleIsNoReasonToTryPorts TestRealRouterRefusesByRule TestRealRouterRefusesByRuleInPCP",
	"T22 narrow range":                     "TestANarrowRangeByPCPAloneIsTold TestAnotherPortIsOpenedWhereTheRouterDoesNotGiveOurs TestRealRouterGivesAnotherPort",
	"T23 used by the router":               "TestAnotherPortIsOpenedWhereTheRouterDoesNotGiveOurs TestRealRouterGivesAnotherPort",
	"T24 725":                              "TestLeaseLadder",
	"T25 402 to any lease":                 "TestLeaseLadder",
	"T26 402 to none":                      "TestLeaseLadder TestRenewsAtHalfOfTheGrantedLease",
	"T28 requests not accepted":            "TestLeaseLadder",
	"T29 501 always":                       "TestAnswersThatMayBeAboutThePortHaveAnotherOneTried TestLeaseLadder TestVerdicts",
	"T30 second router":                    "TestSecondRouterIsOpenedBehindTheFirst TestRealRouterBehindWhichAnotherOneStands TestAdviceAboutTheSecondRouter",
	"T31 odd external addresses":           "TestExternalAddressAnswers TestControlExternalAddressAnswers TestExternalAddressClasses",
	"T32 yes, and nothing made":            "TestARouterThatKeepsNothingLies TestReadBackFindsLies TestEntryThatNeverStaysIsTold TestVerdicts",
	"T34 other leases":                     "TestEveryProtocolUsesTheLeaseItGets TestRenewsAtHalfOfTheGrantedLease",
	"T36 odd replies":                      "TestRepliesOfAllKinds TestBadBodiesAreBounded FuzzReply",
	"T37 odd ports granted":                "TestOfferedPortsThatAreNoneAreRefused TestControlGrantsThatWeDidNotAskForAreGivenBack",
	"T38 table full":                       "TestAnswersThatMayBeAboutThePortHaveAnotherOneTried TestAFullTableIsAskedSeldom TestLeaseLadder TestVerdicts TestControlResultCodes",
	"T40 clean restart":                    "TestRealRouterRestartsInPCP TestAnnouncementsCauseOneQuestionInHalfAMinute",
	"T41 crash":                            "TestRealRouterRestarts TestRealRouterRestartsInPCP TestRouterThatWentAwayIsKnocked",
	"T42 table lost, daemon alive":         "TestRealRouterFirewallIsLoadedAnew TestARouterThatAnswersFromMemoryIsMadeToLook",
	"T44 another public address":           "TestRealRouterPublicAddressChanges TestAnotherAddressIsNoticedWithinAMinute TestAnEventHasTheRouterAsked",
	"T45 line down":                        "TestALineThatWasDownIsBackSoon",
	"T46 another LAN address":              "TestRealRouterOwnAddressChanges TestRealRouterOwnAddressChangesInPCP TestFormerAddressIsRemembered",
	"T47 another gateway address":          "TestAnotherGatewayGetsItsOwnMapping TestRouteNewsAreActedOnSoon",
	"T48 router replaced":                  "TestRealRouterAfterASleep",
	"T65 power cut":                        "TestRealRouterClosesThePortOfABoxThatIsGone",
	"K12 sleep":                            "TestRealRouterAfterASleep",
	"T49 sleep and wrong clocks":           "TestRealRouterAfterASleep TestAWrongClockLosesNothing",
	"T51 a router that hangs":              "TestBadBodiesAreBounded TestNoProtocolWaitsLong TestControlAnswersThatAreNotForUsAreIgnored",
	"T52 lossy Wi-Fi":                      "TestControlRequestsAreRepeatedUntilAnswered",
	"T53 a protocol switched off":          "TestRouterThatWentAwayIsKnocked TestCrashedRunsProtocolGoesOn",
	"T54 nonce":                            "TestPCPNonceIsKeptByTheSecret",
	"T55 epoch":                            "TestEpoch",
	"T56 forged announcements":             "TestOnlyTheGatewayIsHeard TestAnnouncementsCauseOneQuestionInHalfAMinute",
	"T58 IPv6":                             "TestRealRouterOpensItsFirewall TestFirewallAnswers TestAnotherIPv6AddressIsOpenedAnew TestAAAATakesTheNameWhenOnlyIPv6Works",
	"T60 mapped, nothing arrives":          "TestAFirewallOfTheRoutersIsNamedWhereNothingComesThrough TestAFirewallInTheWayIsLookedForByBrand TestTheFirstPhonesTestNamesWhatIsInTheWay TestGreenIsSaidOnlyOfWhatWasSeen",
	"T61 hairpin":                          "TestWhatTheRouterTurnsRoundIsTriedAgainInTime TestWhetherTheRouterTurnsPacketsRoundIsSeen",
	"T63 journal cannot be written":        "TestBrokenJournalStopsNothing TestThePhoneComesHomeWhateverTheDiskDoes",
	"T64 switched off":                     "TestMapsAndReleasesAtStop TestCleanTakesEverythingOfOursFromTheRouter",
	"T66 the router tells a wrong address": "TestAWrongAddressIsALieUnlessSomethingExplainsIt TestALyingRouterIsToldWithItsEvidence TestWhereHomeIsSeenIsHeldAgainstTheRoutersWord TestWhatIsSeenFromOutsideOnlyWarns",
	"T67 fuzzing":                          "FuzzSSDP FuzzDescription FuzzReply FuzzParseListing FuzzNATPMP FuzzPCP",
	"T68 thirty days":                      "TestThirtyDaysWithARouterThatForgets",
}

// unheld are the rows that no test holds, with the reason.
var unheld = map[string]string{
	"D12": "a gateway whose address floats counts as another router",
}

// Each row names tests that there are, and none is forgotten.
func TestEveryRowHasItsTest(t *testing.T) {
	known := make(map[string]bool)
	name := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(`)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range name.FindAllSubmatch(text, -1) {
			known[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	held := make(map[string]bool)
	for row, tests := range register {
		id, _, _ := strings.Cut(row, " ")
		held[id] = true
		if tests == "" {
			t.Errorf("%s: no test", row)
		}
		for test := range strings.FieldsSeq(tests) {
			if !known[test] {
				t.Errorf("%s: there is no %s", row, test)
			}
		}
	}
	ids := strings.Fields("T01 T02 T03 T04 T05 T06 T07 T09 T10 T12 T13 T14 T15 T16 T20 T21 T22 T23 T24 T25 T26 T28 T29 " +
		"T30 T31 T32 T34 T36 T37 T38 T40 T41 T42 T44 T45 T46 T47 T48 T49 T51 T52 T53 T54 T55 T56 T58 T60 T61 T63 T64 T65 T66 T67 T68 K7 K8 K9")
	for table, rows := range map[string]int{"D": 15, "C": 17, "K": 5, "E": 5, "V": 7, "S": 10} {
		for n := range rows {
			ids = append(ids, fmt.Sprint(table, n+1))
		}
	}
	for _, id := range append(ids, "K6", "K10", "K11", "K12", "K13") {
		if held[id] == (unheld[id] != "") {
			t.Errorf("%s: held %t, and the reason is %q", id, held[id], unheld[id])
		}
	}
}
