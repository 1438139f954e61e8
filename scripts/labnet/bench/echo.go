//go:build linux

package main

import "net"

// echoPort is where home answers.
const echoPort = "7"

// serveEchoes answers each datagram, and one message on each TCP connection.
func (w *world) serveEchoes() {
	at := net.JoinHostPort(w.target, echoPort)
	w.home.Serve(at, func(c net.Conn) {
		b := make([]byte, 64)
		if n, err := c.Read(b); err == nil {
			c.Write(b[:n])
		}
	})
	p, err := w.home.ListenPacket("udp", at)
	if err != nil {
		w.t.Fatal(err)
	}
	go func() { // until the end of the round closes it
		b := make([]byte, 2048)
		for {
			n, from, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			p.WriteTo(b[:n], from)
		}
	}()
}
