// Sends or reads records of 100 bytes with franz-go, and prints how many in a second: main MODE BOOTSTRAP TOPIC RECORDS.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	records, err := strconv.Atoi(os.Args[4])
	check(err)
	seconds := 0.0
	if os.Args[1] == "produce" {
		seconds = produce(os.Args[2], os.Args[3], records)
	} else {
		seconds = consume(os.Args[2], os.Args[3], records)
	}
	fmt.Println(int(float64(records) / seconds))
}

func produce(bootstrap, topic string, records int) float64 {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.DefaultProduceTopic(topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(1_000_000),
		kgo.MaxBufferedRecords(100_000),
	)
	check(err)
	defer client.Close()
	value := make([]byte, 100)
	send(client, value, records/10)
	begun := time.Now()
	send(client, value, records)
	return time.Since(begun).Seconds()
}

func send(client *kgo.Client, value []byte, records int) {
	var failed atomic.Int64
	for i := 0; i < records; i++ {
		client.Produce(context.Background(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Add(1)
			}
		})
	}
	check(client.Flush(context.Background()))
	if failed.Load() > 0 {
		check(fmt.Errorf("%d records have failed", failed.Load()))
	}
}

func consume(bootstrap, topic string, records int) float64 {
	start := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(0)}}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(start))
	check(err)
	defer client.Close()
	var begun time.Time
	count, size := 0, 0
	for count < records {
		fetches := client.PollFetches(context.Background())
		check(fetches.Err())
		if begun.IsZero() {
			begun = time.Now()
		}
		fetches.EachRecord(func(record *kgo.Record) {
			size += len(record.Value)
			count++
		})
	}
	return time.Since(begun).Seconds()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
