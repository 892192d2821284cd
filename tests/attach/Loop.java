import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A server in Java with one selector loop; at `go` its handler sleeps. Started as `java Loop.java PORT`. */
public class Loop {
    static void waitForExport() throws Exception {
        Thread.sleep(3000);
    }

    public static void main(String[] arguments) throws Exception {
        Selector selector = Selector.open();
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 100);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        while (true) {
            selector.select();
            for (SelectionKey key : selector.selectedKeys()) {
                if (key.isAcceptable()) {
                    SocketChannel client = listener.accept();
                    client.configureBlocking(false);
                    client.register(selector, SelectionKey.OP_READ);
                    continue;
                }
                SocketChannel client = (SocketChannel) key.channel();
                ByteBuffer bytes = ByteBuffer.allocate(100);
                if (client.read(bytes) < 0) {
                    client.close();
                    continue;
                }
                if (new String(bytes.array(), 0, 3).equals("go\n")) waitForExport();
                client.write(bytes.flip());
            }
            selector.selectedKeys().clear();
        }
    }
}
