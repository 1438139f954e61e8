package main

import (
	"context"

	"homeward/configs/secret"
	"homeward/web"
	"homeward/web/account"
	"homeward/web/account/tokens"
)

// recordedTokens are the tokens of programs, for people: who makes and revokes them is
// written down.
type recordedTokens struct {
	*tokens.Book
	doer
}

// Create implements api.Tokens.
func (r recordedTokens) Create(ctx context.Context, owner account.User, limit account.Scopes, n tokens.New) (tokens.Token, secret.Text, error) {
	t, text, err := r.Book.Create(ctx, owner, limit, n)
	r.did(ctx, web.TokenMade, err, tokenName(t))
	return t, text, err
}

// Revoke implements api.Tokens.
func (r recordedTokens) Revoke(ctx context.Context, id int64) (tokens.Token, error) {
	t, err := r.Book.Revoke(ctx, id)
	r.did(ctx, web.TokenRevoked, err, tokenName(t))
	return t, err
}

// tokenName is what the log calls a token, as it calls the program that has it.
func tokenName(t tokens.Token) string {
	return account.Caller{User: account.User{Name: t.Owner}, Token: t.Name}.Name()
}
