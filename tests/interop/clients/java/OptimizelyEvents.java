// SPDX-License-Identifier: Apache-2.0
// A shop that uses Optimizely's SDK for Java as docs/guide.md says. Prints what the SDK returned to it, a line of JSON
// for each call. usage: OptimizelyEvents EVENTS_URL DATAFILE VISITORS
import com.optimizely.ab.Optimizely;
import com.optimizely.ab.event.AsyncEventHandler;
import com.optimizely.ab.event.BatchEventProcessor;
import com.optimizely.ab.event.EventHandler;
import com.optimizely.ab.event.LogEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

public final class OptimizelyEvents {
  static String quoted(String text) {
    return text == null ? "null" : '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  public static void main(String[] arguments) throws Exception {
    AsyncEventHandler http = AsyncEventHandler.builder().build();
    EventHandler toValetkey = event -> http.dispatchEvent(new LogEvent(
        event.getRequestMethod(), arguments[0], event.getRequestParams(), event.getEventBatch()));
    try (Optimizely client = Optimizely.builder().withDatafile(Files.readString(Path.of(arguments[1])))
            .withEventProcessor(BatchEventProcessor.builder().withEventHandler(toValetkey).build()).build()) {
      for (int number = 0; number < Integer.parseInt(arguments[2]); number++) {
        String visitor = "java " + number;
        var user = client.createUserContext(visitor, Map.of("country", "de", "age", 20 + number % 50));
        for (String flag : new String[] {"checkout", "banner"}) {
          var decision = user.decide(flag);
          System.out.printf("{\"call\":\"decide\",\"visitor\":%s,\"ruleKey\":%s,\"variationKey\":%s}%n",
              quoted(visitor), quoted(decision.getRuleKey()), quoted(decision.getVariationKey()));
        }
        if (number % 2 == 0) {
          user.trackEvent("purchase", Map.of("revenue", 100 + number, "value", number / 8.0, "category", "shoes"));
          System.out.printf("{\"call\":\"track\",\"visitor\":%s,\"event\":\"purchase\",\"tags\":{\"revenue\":%d,"
              + "\"value\":%s,\"category\":\"shoes\"}}%n", quoted(visitor), 100 + number, number / 8.0);
        }
      }
    }
    http.shutdownAndAwaitTermination(30, TimeUnit.SECONDS);  // the client knows of no handler inside
  }
}
