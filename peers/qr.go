package peers

// QRPNG TODO.
func (c ClientConfig) QRPNG(px int) ([]byte, error) { return nil, ErrNoPrivateKey }

// QRSVG TODO.
func (c ClientConfig) QRSVG() ([]byte, error) { return nil, ErrNoPrivateKey }

// QRTerminal TODO.
func (c ClientConfig) QRTerminal() ([]byte, error) { return nil, ErrNoPrivateKey }

// QRTerminalPlain TODO.
func (c ClientConfig) QRTerminalPlain() ([]byte, error) { return nil, ErrNoPrivateKey }
