package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"homeward/upnp/guide"
	"homeward/web/api"
)

// ForwardByHand implements api.Router.
func (r routerTable) ForwardByHand(ctx context.Context, router string) error {
	brand := guide.Brand(router)
	if router != "" && !brand.Known() {
		return &api.Failure{Status: http.StatusBadRequest, Field: "router", Err: fmt.Errorf("there is no guide for the router %.40q: %s are known", router, strings.Join(brandKeys(), ", "))}
	}
	return r.byHand.Forwarded(ctx, brand)
}

// AskRouterAgain implements api.Router.
func (r routerTable) AskRouterAgain(ctx context.Context) error { return r.byHand.AskAgain(ctx) }

// noteBrand remembers the brand of the router, for when it doesn't tell it any more.
func (a *appliance) noteBrand(ctx context.Context) {
	if err := a.byHand.Recognised(ctx, guide.Recognise(a.router().Router.Name)); err != nil {
		a.log.Warn("the router's brand is not remembered", "err", err)
	}
}

func newPortsByHand(o *options) *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use: "by-hand [ROUTER]", Short: "Say that you forward homeward's port by hand, so that the router is not asked for it",
		Long:    "Say that you forward homeward's port by hand, so that the router is not asked for it.\n\nHomeward then watches until somebody comes in by it. 'homeward ports guide' says what to enter; the router may be named as there.",
		Example: "  homeward ports by-hand\n  homeward ports by-hand fritzbox\n  homeward ports by-hand --undo",
		Args:    cobra.MaximumNArgs(1),
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			err, done := error(nil), "The router is not asked for the port any more. 'homeward status' says whether somebody came in by it."
			if undo {
				err, done = client.AskRouterAgain(c.Context()), "The router is asked for the port again."
			} else {
				err = client.ForwardByHand(c.Context(), strings.ToLower(strings.Join(args, "")))
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(o.tty.out, done)
			return err
		}),
	}
	c.Flags().BoolVar(&undo, "undo", false, "let homeward ask the router again")
	return c
}
