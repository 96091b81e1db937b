namespace BackupApi.Tests.Archive.Encryption;

/// <summary>The age program of Debian. It takes passphrases from a terminal only, so it is given one.</summary>
internal static class AgeTool
{
    private const string OnTerminal = """
        import os, pty, sys
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp(sys.argv[2], sys.argv[2:])
        said = b""
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            said += part
            if b"assphrase" in said and said.rstrip(b" ").endswith(b":"):
                said = b""
                os.write(terminal, sys.argv[1].encode() + b"\n")
        sys.stderr.buffer.write(said)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """;

    public static void Decrypt(string passphrase, string from, string to) => Tool.Run("python3", "-c", OnTerminal, passphrase, "age", "-d", "-o", to, from);

    /// <param name="options">Further ones, such as <c>--armor</c>.</param>
    public static void Encrypt(string passphrase, string from, string to, params string[] options) =>
        Tool.Run("python3", ["-c", OnTerminal, passphrase, "age", "-p", .. options, "-o", to, from]);
}
