//go:build !linux

package memory

import "context"

// Settle does nothing here, until ctx ends.
func Settle(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
