using BackupApi;
using BackupApi.Http;
using BackupApi.Http.OpenApi;

if (await WiringCli.RunCommandAsync(args) is { } exitCode)
{
    return exitCode;                // --version, --healthcheck, create, verify, restore
}

var builder = Wiring.CreateBuilder(args);
if (builder.ReadSettings(Console.Error) is not { } options)
{
    return Wiring.BadSettings;
}

using var log = builder.AddLog(options);        // console, and files below the backups folder
builder.AddBackupCore(options);                 // engines, archive, catalogue, operations, BackupManager
builder.AddTelemetry(options);                  // figures and traces by OTLP, where a collector is named
builder.AddHttp(options);                       // address, problem answers, OpenAPI

await using var app = builder.Build();
if (!app.TakeFolders(Console.Error))
{
    return Wiring.NoFolders;
}

app.UseHttpFace();                  // request log, problem answers, who may call, readiness, the page in wwwroot
app.MapBackups();                   // /api/backup: create, list, facts, proof, removal
app.MapBackupContents();            // /api/backup/{name}: files, one file, download
app.MapRestore();                   // /api/backup/restore
app.MapDatabases();                 // /api/databases, verify
app.MapRetention();                 // /api/retention
app.MapSchedule();                  // /api/schedule, pause, resume
app.MapOperations();                // /api/operations, with server-sent events
app.MapHistory();                   // /api/history, /api/stats
app.MapAlarms();                    // /api/alarms, acknowledge
app.MapAlerts();                    // /api/alerts/test
app.MapMetrics();                   // /metrics
app.MapLogs();                      // /api/logs, level
app.MapHealth();                    // /api/health, live, ready
app.MapSettings();                  // /api/settings
app.MapDocumentation();             // /openapi/v1.json, /swagger

return await app.RunToExitAsync(log);
