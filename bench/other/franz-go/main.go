// Sends records of 100 bytes with franz-go and prints how many it sends in a second: main BOOTSTRAP TOPIC RECORDS.
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
	records, err := strconv.Atoi(os.Args[3])
	check(err)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Args[1]),
		kgo.DefaultProduceTopic(os.Args[2]),
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
	fmt.Println(int(float64(records) / time.Since(begun).Seconds()))
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

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
