package keystone

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func consumerRoutes() []front.Route {
	const of, one = "/OS-OAUTH1/consumers", "/OS-OAUTH1/consumers/{id}"
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:consumer:list", Handle: consumerList},
		{Method: "POST", Path: of, Rule: "identity:consumer:create", Handle: consumerCreate},
		{Method: "GET", Path: one, Rule: "identity:consumer:get", Handle: consumerShow},
		{Method: "PATCH", Path: one, Rule: "identity:consumer:update", Handle: consumerUpdate},
		{Method: "DELETE", Path: one, Rule: "identity:consumer:delete", Handle: deleter(identity.ConsumerDelete)},
	}
}

type consumerWire struct {
	ID          string `json:"id"`
	Description any    `json:"description"`
	Secret      string `json:"secret,omitzero"` // told once
	Links       self   `json:"links"`
}

func renderConsumer(rq *front.Request, c identity.Consumer) consumerWire {
	return consumerWire{c.ID, orNull(c.Description), "", selfLink(rq, "/OS-OAUTH1/consumers/"+c.ID)}
}

type consumerBody struct {
	Consumer *struct {
		Description optional[string] `json:"description"`
		Unknown     identity.Extra   `json:",embed"` // Keystone takes it and forgets it
	} `json:"consumer"`
}

func (b *consumerBody) apply(c *identity.Consumer) error {
	if b.Consumer == nil {
		return expecting("consumer", "request body", "/consumer")
	}
	if _, given := b.Consumer.Unknown["secret"]; given {
		return immutable("consumer", "secret", optional[string]{true, "given"}, "")
	}
	b.Consumer.Description.to(&c.Description)
	return nil
}

func consumerList(rq *front.Request) (*front.Response, error) {
	var out []consumerWire
	for c := range identity.Consumers.All(rq.Read()) {
		out = append(out, renderConsumer(rq, c))
	}
	return paged(rq, "consumers", out, columns[consumerWire]{"id": func(c *consumerWire) string { return c.ID }})
}

func consumerShow(rq *front.Request) (*front.Response, error) {
	c, err := identity.ConsumerGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]consumerWire{"consumer": renderConsumer(rq, c)}), err
}

func consumerCreate(rq *front.Request) (*front.Response, error) {
	var b consumerBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	var c identity.Consumer
	if err := b.apply(&c); err != nil {
		return nil, err
	}
	secret := identity.NewSecret()
	err := made(rq, identity.Consumers, &c, &c.ID, func(tx *statestore.Txn, c identity.Consumer) (identity.Consumer, error) {
		return identity.ConsumerMake(tx, c, secret)
	})
	w := renderConsumer(rq, c)
	w.Secret = secret
	return front.Created(map[string]consumerWire{"consumer": w}), err
}

func consumerUpdate(rq *front.Request) (*front.Response, error) {
	var b consumerBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	c, err := edited(rq, identity.ConsumerGet, b.apply, identity.ConsumerPut)
	return front.OK(map[string]consumerWire{"consumer": renderConsumer(rq, c)}), err
}
