package meltemi.peer;

/** What both servers do: answer with what they were asked; some texts ask for an error, or for time. */
final class Echo {
  static Answer of(String server, Ask ask) {
    String[] parts = ask.text.split(":", 2);
    if (parts[0].equals("fail")) throw new IllegalStateException(parts[1]);
    if (parts[0].equals("sleep")) {
      try {
        Thread.sleep(Long.parseLong(parts[1]));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    Answer answer = new Answer();
    answer.text = server + " " + ask.text;
    return answer;
  }
}
