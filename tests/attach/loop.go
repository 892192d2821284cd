// A Go server whose handlers block. With `loop` one goroutine accepts a client and serves one message of each in turn;
// with `lock` each client has a goroutine of its own, and all of them share a lock that is held across the call.
package main

import (
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"time"
)

func waitForExport() {
	time.Sleep(2 * time.Second)
}

func answer(client net.Conn, data []byte) error {
	if string(data) == "go\n" {
		waitForExport()
	}
	_, err := client.Write(data)
	return err
}

func serve(client net.Conn) {
	defer client.Close()
	data := make([]byte, 100)
	for {
		n, err := client.Read(data)
		if err != nil || answer(client, data[:n]) != nil {
			return
		}
	}
}

// oneByOne serves one message of each client that connects.
func oneByOne(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		serve(client)
	}
}

var lock sync.Mutex

func serveLocked(client net.Conn) {
	defer client.Close()
	data := make([]byte, 6)
	for {
		n, err := io.ReadFull(client, data[:3])
		if err != nil {
			return
		}
		lock.Lock()
		err = answer(client, data[:n])
		lock.Unlock()
		if err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	if len(os.Args) < 3 || os.Args[2] == "loop" {
		oneByOne(listener)
		return
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go serveLocked(client)
		}
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	<-signals
}
