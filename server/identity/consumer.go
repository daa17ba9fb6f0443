package identity

import (
	"github.com/cloudlet/cloudlet/statestore"
)

// Consumer is a program that users may let act for them by OAuth 1.0a (RFC 5849): an id and a secret.
type Consumer struct {
	ID, Description string
	Sealed          []byte // the secret, under one of the token keys
}

// Consumers has the consumers.
var Consumers = statestore.NewTable(statestore.TableDef[Consumer]{Name: "oauth_consumer", Version: 1, Key: func(c *Consumer) string { return c.ID }})

func (c Consumer) aad() string { return "consumer " + c.ID }

// ConsumerGet returns a consumer by id. Error kind: NotFound.
func ConsumerGet(r statestore.Reader, id string) (Consumer, error) {
	return get(Consumers, r, "consumer", id)
}

// ConsumerMake stores a new consumer with its secret.
func ConsumerMake(tx *statestore.Txn, c Consumer, secret string) (Consumer, error) {
	if c.ID == "" {
		c.ID = newID(tx)
	}
	var err error
	if c.Sealed, err = encrypt(tx, c.aad(), []byte(secret)); err != nil {
		return c, err
	}
	Consumers.Put(tx, c)
	return c, nil
}

// Secret returns a consumer's secret; empty if no key opens it.
func (c Consumer) Secret(r statestore.Reader) string {
	b, _ := decrypt(r, c.aad(), c.Sealed)
	return string(b)
}

// ConsumerPut stores a changed consumer.
func ConsumerPut(tx *statestore.Txn, c Consumer) (Consumer, error) {
	Consumers.Put(tx, c)
	return c, nil
}

// ConsumerDelete deletes a consumer with its tokens. Error kind: NotFound.
func ConsumerDelete(tx *statestore.Txn, id string) error {
	if !Consumers.Delete(tx, id) {
		return missing("consumer", id)
	}
	dropOAuth(tx, "consumer", id)
	return nil
}
