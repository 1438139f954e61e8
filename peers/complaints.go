package peers

import "log/slog"

// complaints logs what goes wrong again and again when it begins, when it
// changes and when it ends. It is for one goroutine.
type complaints struct {
	log  *slog.Logger
	last map[string]string
}

// note says how doing something went this time.
func (c *complaints) note(doing string, err error) {
	was, failed := c.last[doing]
	switch {
	case err == nil && failed:
		delete(c.last, doing)
		c.log.Info(doing + " works again")
	case err != nil && was != err.Error():
		if c.last == nil {
			c.last = make(map[string]string)
		}
		c.last[doing] = err.Error()
		c.log.Error(doing+" failed, trying again", "err", err)
	}
}
