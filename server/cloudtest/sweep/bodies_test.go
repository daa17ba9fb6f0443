package sweep

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
)

// noJSON sends what is no JSON, or none that could be right.
func noJSON(c *course, rt route) {
	if !rt.hasBody() {
		return
	}
	right := c.right(rt)
	array := strings.HasPrefix(right.body, "[")
	for what, body := range map[string]string{
		"cut": right.body[:len(right.body)-1], "twice": right.body + right.body, "more": right.body + "x", "no UTF-8": strings.Replace(right.body, `":`, "\xff\":", 1), "a BOM": "\ufeff" + right.body,
		"an array": "[]", "an object": "{}", "a string": `"x"`, "a number": "7", "null": "null", "true": "true", "text": "x", "a space": " ", "NUL": "\x00", "a brace": "{",
		"deep": strings.Repeat(`[`, 60000), "deep objects": strings.Repeat(`{"a":`, 12000), "deep and whole": strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"the same twice": twice(right.body), "a large number": strings.Replace(right.body, ":", ":1e999,\"x\":", 1), "names that differ": `{"a":1,"A":2}`, "a lone surrogate": `{"\ud800":1}`,
	} {
		if what == "the same twice" && array || what == "an array" && array {
			continue
		}
		rq := right
		rq.body = body
		if c.spoiled(rt, what, rq, http.StatusBadRequest) {
			c.fault(rt, "%s: taken: %.100s", what, body)
		}
	}
	rq := right
	rq.body = ""
	if c.spoiled(rt, "nothing", rq, http.StatusBadRequest) {
		c.fault(rt, "nothing: taken")
	}
}

// twice gives the first member two times.
func twice(body string) string {
	var top map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &top) != nil {
		return body
	}
	for member, value := range top {
		return fmt.Sprintf("{%q:%s,%s", member, value, body[1:])
	}
	return body
}

func tooLarge(c *course, rt route) {
	if !rt.hasBody() {
		return
	}
	limit := rt.MaxBody
	if limit == 0 {
		limit = front.DefaultMaxBody
	}
	rq := c.right(rt)
	rq.body += strings.Repeat(" ", int(limit)+1-len(rq.body))
	c.try(rt, "spaces", rq, http.StatusRequestEntityTooLarge)
	rq.body = `{"x":"` + strings.Repeat("x", int(limit)) + `"}`
	c.try(rt, "a string", rq, http.StatusRequestEntityTooLarge)
}

// decoded is a right body, to change.
func (c *course) decoded(body string) any {
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		c.T.Fatalf("%v: %s", err, body)
	}
	return v
}

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// places yields each value of a body with its place, and a way to have the whole with
// something else there.
func places(v any, at string, with func(any) any, yield func(at string, v any, with func(any) any)) {
	yield(at, v, with)
	switch v := v.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			places(v[member], at+"/"+member, func(other any) any {
				m := maps.Clone(v)
				m[member] = other
				return with(m)
			}, yield)
		}
	case []any:
		for i := range v {
			places(v[i], fmt.Sprintf("%s/%d", at, i), func(other any) any {
				l := slices.Clone(v)
				l[i] = other
				return with(l)
			}, yield)
		}
	}
}

func itself(v any) any { return v }

// unknownField puts a member into each object that the service knows none of.
func unknownField(c *course, rt route) {
	if !rt.hasBody() {
		return
	}
	right := c.right(rt)
	places(c.decoded(right.body), "", itself, func(at string, v any, with func(any) any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		m = maps.Clone(m)
		m["nonsense"] = map[string]any{"a": 1}
		rq := right
		rq.body = encoded(with(m))
		if c.spoiled(rt, at, rq, http.StatusBadRequest) {
			c.fault(rt, "%s/nonsense: taken", at)
		}
	})
}

// wrongTypes are values that are none of a type, by what the right value is.
func wrongTypes(v any) map[string]any {
	object, array := map[string]any{"a": 1}, []any{map[string]any{}}
	switch v.(type) {
	case string:
		return map[string]any{"an object": object, "an array": array, "a number": 7, "true": true}
	case float64:
		return map[string]any{"an object": object, "an array": array, "a word": "x"}
	case bool:
		return map[string]any{"an object": object, "an array": array, "a word": "maybe", "a number": 7}
	case map[string]any:
		return map[string]any{"an array": array, "a number": 7, "a word": "x"}
	case []any:
		return map[string]any{"an object": object, "a number": 7, "a word": "x"}
	}
	return map[string]any{} // null: the field has no type
}

func otherType(c *course, rt route) {
	if !rt.hasBody() {
		return
	}
	right := c.right(rt)
	whole := c.decoded(right.body)
	top, _ := whole.(map[string]any)
	places(whole, "", itself, func(at string, v any, with func(any) any) {
		others := wrongTypes(v)
		if v != nil && (at == "" || len(top) == 1 && strings.Count(at, "/") == 1) { // the body, and what wraps it
			others["null"] = nil
		}
		for what, other := range others {
			rq := right
			rq.body = encoded(with(other))
			if c.spoiled(rt, at+" "+what, rq, http.StatusBadRequest) {
				c.fault(rt, "%s: %s is taken", at, what)
			}
		}
	})
}

// oddValue puts in what has a right type, or none, and is odd. It may be taken.
func oddValue(c *course, rt route) {
	if !rt.hasBody() {
		return
	}
	right := c.right(rt)
	odd := map[string]any{"null": nil, "nothing": "", "long": strings.Repeat("x", 70000), "NUL": "a\x00b", "a face": "\U0001F600", "lines": "a\r\nb", "an unknown id": unknownID, "negative": -1, "a fraction": 0.5, "huge": 1e30, "an empty list": []any{}, "an empty object": map[string]any{}, "a list of null": []any{nil}, "a long list": slices.Repeat([]any{"x"}, 1000)}
	places(c.decoded(right.body), "", itself, func(at string, v any, with func(any) any) {
		for what, other := range odd {
			rq := right
			rq.body = encoded(with(other))
			c.spoiled(rt, at+" "+what, rq)
		}
	})
}
