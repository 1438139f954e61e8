package ddns

import (
	"context"
	"net/http"
	"net/url"
)

// desec speaks deSEC's IP update API (desec.readthedocs.io, dynDNS). Both
// parameters are always sent: an absent one means the connection's address, an
// empty one that the record is removed.
type desec struct {
	config Config
	client *client
}

func (d *desec) publish(ctx context.Context, want, _ Records) error {
	query := url.Values{"hostname": {d.config.Name}, "myipv4": {text(want.A)}, "myipv6": {text(want.AAAA)}}
	r, err := d.client.do(ctx, request{
		url:    "https://update.dedyn.io/?" + query.Encode(),
		header: map[string]string{"Authorization": "Token " + d.config.Credentials.secret()},
	})
	if err != nil {
		return err
	}
	if r.status == http.StatusNotFound && parseReply(r.body).code == codeUnknown {
		r.body = []byte(codeNoHost)
	}
	if f := d.client.dyndnsFault(r, want); f != nil {
		return f
	}
	return nil
}
