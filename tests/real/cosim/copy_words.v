// SPDX-License-Identifier: AGPL-3.0-or-later
// Copies up to 16 words by one read burst and one write burst. `fault` chooses what it does wrong; see the test.
module copy_words (
    input wire ap_clk, ap_rst_n,
    output reg m_axi_gmem_AWVALID, output wire [63:0] m_axi_gmem_AWADDR, output wire [7:0] m_axi_gmem_AWLEN,
    output wire [2:0] m_axi_gmem_AWSIZE, output wire [1:0] m_axi_gmem_AWBURST, output wire m_axi_gmem_AWID,
    input wire m_axi_gmem_AWREADY,
    output reg m_axi_gmem_WVALID, output wire [31:0] m_axi_gmem_WDATA, output wire [3:0] m_axi_gmem_WSTRB,
    output wire m_axi_gmem_WLAST, input wire m_axi_gmem_WREADY,
    input wire m_axi_gmem_BVALID, output wire m_axi_gmem_BREADY, input wire [1:0] m_axi_gmem_BRESP, input wire m_axi_gmem_BID,
    output reg m_axi_gmem_ARVALID, output wire [63:0] m_axi_gmem_ARADDR, output wire [7:0] m_axi_gmem_ARLEN,
    output wire [2:0] m_axi_gmem_ARSIZE, output wire [1:0] m_axi_gmem_ARBURST, output wire m_axi_gmem_ARID,
    input wire m_axi_gmem_ARREADY,
    input wire m_axi_gmem_RVALID, m_axi_gmem_RLAST, m_axi_gmem_RID, input wire [31:0] m_axi_gmem_RDATA,
    input wire [1:0] m_axi_gmem_RRESP, output wire m_axi_gmem_RREADY,
    input wire s_axi_CTRL_AWVALID, output wire s_axi_CTRL_AWREADY, input wire [5:0] s_axi_CTRL_AWADDR,
    input wire s_axi_CTRL_WVALID, output wire s_axi_CTRL_WREADY, input wire [31:0] s_axi_CTRL_WDATA,
    input wire [3:0] s_axi_CTRL_WSTRB, output wire [1:0] s_axi_CTRL_BRESP, output wire s_axi_CTRL_BVALID,
    input wire s_axi_CTRL_BREADY, input wire s_axi_CTRL_ARVALID, output wire s_axi_CTRL_ARREADY,
    input wire [5:0] s_axi_CTRL_ARADDR, output wire [31:0] s_axi_CTRL_RDATA, output wire [1:0] s_axi_CTRL_RRESP,
    output wire s_axi_CTRL_RVALID, input wire s_axi_CTRL_RREADY,
    output wire interrupt
);
    localparam WRONG = 1, HANG = 2, NO_WLAST = 3, OVER_4K = 4, DROP = 5, BEYOND = 6, EARLY = 7, INTO_INPUT = 8, CHANGE = 9,
               LANES = 10, READS_OUTPUT = 11, NO_INTERRUPT = 12, STILL_BUSY = 13, LATE_WLAST = 14;
    localparam [2:0] IDLE = 0, READ = 1, FETCH = 2, WRITE = 3, DONE = 4;
    reg [2:0] state;
    wire [319:0] args;
    wire [63:0] a = args[63:0], out = args[159:96];
    wire [31:0] n = args[223:192], fault = args[287:256];
    wire start, irq, done = state == DONE && fault != HANG;
    reg [31:0] words [0:15];
    reg [4:0] index;
    reg aw_sent;

    kernel_control #(.ADDR_WIDTH(6), .ARG_WORDS(10), .RESERVED(10'b10_1010_0100)) control (
        .clk(ap_clk), .reset(!ap_rst_n),
        .s_axi_AWVALID(s_axi_CTRL_AWVALID), .s_axi_AWREADY(s_axi_CTRL_AWREADY), .s_axi_AWADDR(s_axi_CTRL_AWADDR),
        .s_axi_WVALID(s_axi_CTRL_WVALID), .s_axi_WREADY(s_axi_CTRL_WREADY), .s_axi_WDATA(s_axi_CTRL_WDATA),
        .s_axi_WSTRB(s_axi_CTRL_WSTRB), .s_axi_BRESP(s_axi_CTRL_BRESP), .s_axi_BVALID(s_axi_CTRL_BVALID),
        .s_axi_BREADY(s_axi_CTRL_BREADY), .s_axi_ARVALID(s_axi_CTRL_ARVALID), .s_axi_ARREADY(s_axi_CTRL_ARREADY),
        .s_axi_ARADDR(s_axi_CTRL_ARADDR), .s_axi_RVALID(s_axi_CTRL_RVALID), .s_axi_RREADY(s_axi_CTRL_RREADY),
        .s_axi_RDATA(s_axi_CTRL_RDATA), .s_axi_RRESP(s_axi_CTRL_RRESP), .interrupt(irq), .args(args), .ap_start(start),
        .ap_done(done), .ap_ready(done), .ap_idle(state == IDLE && !start && !(fault == STILL_BUSY && index != 0)));
    assign interrupt = irq && fault != NO_INTERRUPT;

    assign m_axi_gmem_ARADDR = fault == BEYOND ? a + 8192 : fault == READS_OUTPUT ? out : a;
    assign m_axi_gmem_ARLEN = n - 1;
    assign m_axi_gmem_ARSIZE = 2;
    assign m_axi_gmem_ARBURST = 1;
    assign m_axi_gmem_ARID = 0;
    assign m_axi_gmem_RREADY = 1;
    assign m_axi_gmem_AWADDR = fault == OVER_4K ? out + 4096 - 8 : fault == INTO_INPUT ? a : out;
    assign m_axi_gmem_AWLEN = n - 1;
    assign m_axi_gmem_AWSIZE = fault == LANES ? 1 : 2;
    assign m_axi_gmem_AWBURST = 1;
    assign m_axi_gmem_AWID = 0;
    reg toggle;
    assign m_axi_gmem_WDATA = words[index[3:0]] ^ {31'd0, (fault == WRONG && index == n - 1) || (fault == CHANGE && toggle)};
    assign m_axi_gmem_WSTRB = 4'hf;
    assign m_axi_gmem_WLAST = fault == LATE_WLAST ? index == n : fault != NO_WLAST && index == n - 1;
    assign m_axi_gmem_BREADY = 1;

    always @(posedge ap_clk) begin
        toggle <= m_axi_gmem_WVALID && !m_axi_gmem_WREADY;  // it has waited
        if (m_axi_gmem_RVALID) words[index[3:0]] <= m_axi_gmem_RDATA;
        if (!ap_rst_n) begin
            state <= IDLE;
            m_axi_gmem_AWVALID <= 0;
            m_axi_gmem_WVALID <= 0;
            m_axi_gmem_ARVALID <= 0;
            index <= 0;
            toggle <= 0;
            aw_sent <= 0;
        end else case (state)
            IDLE: if (start) begin
                index <= 0;
                state <= n == 0 ? DONE : READ;
                m_axi_gmem_ARVALID <= n != 0;
            end
            READ: if (m_axi_gmem_ARREADY) begin
                m_axi_gmem_ARVALID <= 0;
                state <= FETCH;
            end
            FETCH: if (m_axi_gmem_RVALID) begin
                index <= m_axi_gmem_RLAST ? 0 : index + 1;
                if (m_axi_gmem_RLAST) begin
                    state <= WRITE;
                    m_axi_gmem_AWVALID <= 1;
                    m_axi_gmem_WVALID <= 1;
                    aw_sent <= 0;
                end
            end
            WRITE: begin
                if (m_axi_gmem_AWREADY || fault == DROP) m_axi_gmem_AWVALID <= 0;
                if (m_axi_gmem_WVALID && m_axi_gmem_WREADY) begin
                    index <= index + 1;
                    if (index == n - 1) m_axi_gmem_WVALID <= 0;
                    if (index == n - 1 && fault == EARLY) state <= DONE;
                end
                if (m_axi_gmem_BVALID) state <= DONE;
            end
            default: if (fault != HANG) state <= IDLE;
        endcase
    end
endmodule
