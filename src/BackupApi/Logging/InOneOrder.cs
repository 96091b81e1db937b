using Serilog.Core;
using Serilog.Events;
using SerilogLogger = Serilog.Core.Logger;

namespace BackupApi.Logging;

/// <summary>Hands each line to all of its places before the next one: two threads that speak at once stand in the same order on the console, in the files and in memory.</summary>
internal sealed class InOneOrder(SerilogLogger places) : ILogEventSink, IDisposable
{
    private readonly Lock turn = new();

    public void Emit(LogEvent logEvent)
    {
        lock (turn)
        {
            places.Write(logEvent);
        }
    }

    public void Dispose() => places.Dispose();
}
