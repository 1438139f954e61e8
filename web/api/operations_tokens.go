package api

import "net/http"

// tokenOperations are about the tokens by which programs come in.
func tokenOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/admin/tokens":         {ID: "listTokens", Summary: "By which tokens programs come in, without their secrets", Answer: []Token{}},
		"POST /api/v1/admin/tokens":        {Again: repeatableSecret, ID: "createToken", Summary: "Make a token for a program, which is answered once", More: "The token is of who asks, who says the password besides and, where there is a second step, a code; it may not do more than who asks. On the box it is of the user that is named, and nothing else is asked.", Body: NewToken{}, Status: http.StatusCreated, Answer: MadeToken{}},
		"DELETE /api/v1/admin/tokens/{id}": {ID: "revokeToken", Summary: "End a token at once"},
	}
}
