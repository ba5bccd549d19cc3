import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicLong;

/** An application on a HikariCP pool and pgjdbc, both with their default settings.
 *  Prints "done ID THREAD" for each transaction that succeeded and "failed WHY" for others. */
public class Pool {
    public static void main(String[] arguments) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(arguments[0]);
        config.setUsername("app");
        HikariDataSource pool = new HikariDataSource(config);
        AtomicLong ids = new AtomicLong(Long.parseLong(arguments[1]));
        for (int i = 0; i < 4; i++) {
            String name = String.valueOf(i);
            new Thread(() -> write(pool, ids, name)).start();
        }
    }

    private static void write(HikariDataSource pool, AtomicLong ids, String name) {
        while (true) {
            long id = ids.incrementAndGet();
            try (Connection connection = pool.getConnection();
                 Statement statement = connection.createStatement()) {
                statement.executeUpdate("INSERT INTO writes VALUES (" + id + ", 'hikari')");
                System.out.println("done " + id + " " + name);
            } catch (SQLException error) {
                System.out.println("failed " + error.getMessage().replace('\n', ' '));
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException end) {
            throw new IllegalStateException(end);
        }
    }
}
