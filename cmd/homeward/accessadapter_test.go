package main

import (
	"fmt"
	"testing"

	"homeward/peers"
)

func TestGrantsBecomeRules(t *testing.T) {
	for access, want := range map[peers.Access]string{
		"everything":          "{Home:true Internet:true Peers:false Box:[] Allow:[]}",
		"home":                "{Home:true Internet:false Peers:false Box:[] Allow:[]}",
		"internet; peers":     "{Home:false Internet:true Peers:true Box:[] Allow:[]}",
		"nothing":             "{Home:false Internet:false Peers:false Box:[] Allow:[]}",
		"all of it":           "{Home:false Internet:false Peers:false Box:[] Allow:[]}",
		"admin":               "{Home:false Internet:false Peers:false Box:[{Protocol:1 Ports:[{First:8377 Last:8377}]}] Allow:[]}",
		"box tcp/445 udp":     "{Home:false Internet:false Peers:false Box:[{Protocol:1 Ports:[{First:445 Last:445}]} {Protocol:2 Ports:[]}] Allow:[]}",
		"box tcp/8377":        "{Home:false Internet:false Peers:false Box:[] Allow:[]}",
		"box tcp/8000-8377":   "{Home:false Internet:false Peers:false Box:[{Protocol:1 Ports:[{First:8000 Last:8376}]}] Allow:[]}",
		"box":                 "{Home:false Internet:false Peers:false Box:[{Protocol:1 Ports:[{First:0 Last:8376}]} {Protocol:1 Ports:[{First:8378 Last:65535}]} {Protocol:2 Ports:[]} {Protocol:3 Ports:[]}] Allow:[]}",
		"192.168.1.20 tcp/80": "{Home:false Internet:false Peers:false Box:[] Allow:[{To:{First:192.168.1.20 Last:192.168.1.20} Service:{Protocol:1 Ports:[{First:80 Last:80}]}}]}",
		"fd00::/127":          "{Home:false Internet:false Peers:false Box:[] Allow:[{To:{First:fd00:: Last:fd00::1} Service:{Protocol:0 Ports:[]}}]}",
	} {
		got := accessOf(access, 8377)
		if err := got.Check(); err != nil {
			t.Errorf("%q: %v", access, err)
		}
		if text := fmt.Sprintf("%+v", got); text != want {
			t.Errorf("%q becomes\n%s, want\n%s", access, text, want)
		}
	}
}
