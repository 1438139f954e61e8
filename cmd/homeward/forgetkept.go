package main

import (
	"context"
	"errors"
)

// forgetKept erases what is kept of codes, which are not to be kept any more. With was,
// they were until now.
func (a *appliance) forgetKept(ctx context.Context, was bool) error {
	var aside error
	if was { // who never kept one need not give up what is damaged
		aside = a.eraseAside(ctx, true)
	}
	return errors.Join(aside, a.peers.ForgetKept(ctx))
}

// eraseAside erases what was kept from the databases that were put aside. With known,
// codes were kept here, and what is damaged may have them.
func (a *appliance) eraseAside(ctx context.Context, known bool) error {
	changed, err := a.state.EraseKeptAside(ctx, known)
	for _, file := range changed {
		a.log.Info("codes that were kept are erased from what was put aside", "file", file)
	}
	return err
}
